/** Text that every store and every client can hold: neither NUL nor half of a surrogate pair. */
export const storableText = '^[^\\u0000\\ud800-\\udfff]*$'
