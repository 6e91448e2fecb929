import { argocdPath } from './app.ts'

/** A request that must be refused, and how. */
export interface BadRequest { method: string, url: string, payload?: string, headers?: Record<string, string>, status: number, code: string, pointer?: string }

const path = argocdPath()
const json = { 'content-type': 'application/json' }

/** What is wrong with it → the request. */
export const badRequests: Record<string, BadRequest> = {
  'an unknown field': { method: 'PUT', url: path, payload: '{"replicas":1}', headers: json, status: 400, code: 'InvalidRequest', pointer: '/replicas' },
  'an unknown nested field': { method: 'PUT', url: path, payload: '{"upgrade":{"auto":true}}', headers: json, status: 400, code: 'InvalidRequest', pointer: '/upgrade/auto' },
  'protected settings, which are not offered': { method: 'PUT', url: path, payload: '{"protectedSettings":{"a":"b"}}', headers: json, status: 400, code: 'InvalidRequest', pointer: '/protectedSettings' },
  'a wrong type': { method: 'PUT', url: path, payload: '{"highAvailability":{"enabled":"yes"}}', headers: json, status: 400, code: 'InvalidRequest', pointer: '/highAvailability/enabled' },
  'a number where text is wanted': { method: 'PUT', url: path, payload: '{"extensionName":5}', headers: json, status: 400, code: 'InvalidRequest', pointer: '/extensionName' },
  'a version pinned while upgrades are automatic': { method: 'PUT', url: path, payload: '{"upgrade":{"version":"1.0.0","autoMinor":true}}', headers: json, status: 400, code: 'InvalidRequest', pointer: '/upgrade/autoMinor' },
  'a patch that pins a version while upgrades are automatic': { method: 'PATCH', url: path, payload: '{"upgrade":{"version":"1.0.0","autoMinor":true}}', headers: json, status: 400, code: 'InvalidRequest', pointer: '/upgrade/autoMinor' },
  'a setting that is not text': { method: 'PUT', url: path, payload: '{"settings":{"controller.replicas":2}}', headers: json, status: 400, code: 'InvalidRequest', pointer: '/settings/controller.replicas' },
  'a setting that a field owns': { method: 'PUT', url: path, payload: '{"settings":{"configs.params.application\\\\.namespaces":"a"}}', headers: json, status: 400, code: 'InvalidRequest', pointer: '/settings/configs.params.application\\.namespaces' },
  'text with NUL': { method: 'PUT', url: path, payload: '{"settings":{"a":"\\u0000"}}', headers: json, status: 400, code: 'InvalidRequest', pointer: '/settings/a' },
  'half a surrogate pair': { method: 'PUT', url: path, payload: '{"settings":{"a":"\\ud800"}}', headers: json, status: 400, code: 'InvalidRequest', pointer: '/settings/a' },
  'a URL that is none': { method: 'PUT', url: path, payload: '{"url":"argocd"}', headers: json, status: 400, code: 'InvalidRequest', pointer: '/url' },
  'an empty patch': { method: 'PATCH', url: path, payload: '{}', headers: json, status: 400, code: 'InvalidRequest', pointer: '' },
  'no body': { method: 'PUT', url: path, status: 400, code: 'InvalidRequest', pointer: '' },
  'an empty JSON body': { method: 'PUT', url: path, payload: '', headers: json, status: 400, code: 'InvalidRequest', pointer: '' },
  'an array': { method: 'PUT', url: path, payload: '[]', headers: json, status: 400, code: 'InvalidRequest', pointer: '' },
  'malformed JSON': { method: 'PUT', url: path, payload: '{"url":', headers: json, status: 400, code: 'MalformedJson' },
  'a __proto__ key': { method: 'PUT', url: path, payload: '{"__proto__":{"url":1}}', headers: json, status: 400, code: 'MalformedJson' },
  'a body of 70 kB': { method: 'PUT', url: path, payload: JSON.stringify({ settings: { a: 'x'.repeat(70_000) } }), headers: json, status: 413, code: 'BodyTooLarge' },
  'another content type': { method: 'PUT', url: path, payload: 'url: x', headers: { 'content-type': 'application/yaml' }, status: 415, code: 'UnsupportedMediaType' },
  'a merge patch that is no patch': { method: 'PUT', url: path, payload: '{}', headers: { 'content-type': 'application/merge-patch+json' }, status: 415, code: 'UnsupportedMediaType' },
  'a patch of nothing but references': { method: 'PATCH', url: path, payload: '{"correlation":{"taskId":"t"}}', headers: json, status: 400, code: 'InvalidRequest', pointer: '' },
  'a deletion with a body': { method: 'DELETE', url: path, payload: '{"force":true}', headers: json, status: 400, code: 'InvalidRequest', pointer: '' },
  'a key of a setting with a blank': { method: 'PUT', url: path, payload: '{"settings":{"a b":"c"}}', headers: json, status: 400, code: 'InvalidRequest', pointer: '/settings/a b' },
  'an unknown field with a name of 50 kB': { method: 'PUT', url: path, payload: `{"${'a'.repeat(50_000)}":1}`, headers: json, status: 400, code: 'InvalidRequest' },
  'an Idempotency-Key of 300 characters': { method: 'PUT', url: path, payload: '{}', headers: { ...json, 'idempotency-key': 'a'.repeat(300) }, status: 400, code: 'InvalidIdempotencyKey', pointer: '/idempotency-key' },
  'plain text': { method: 'PUT', url: path, payload: '{}', headers: { 'content-type': 'text/plain' }, status: 415, code: 'UnsupportedMediaType' },
  'a bad GUID': { method: 'GET', url: path.replace('5f0c1a52', 'zz'), status: 400, code: 'InvalidRequest', pointer: '/subscriptionId' },
  'an unknown kind of cluster': { method: 'GET', url: path.replace('managedClusters', 'fleets'), status: 400, code: 'InvalidRequest', pointer: '/clusterType' },
  'a resource group that ends in a dot': { method: 'GET', url: path.replace('/rg/', '/rg./'), status: 400, code: 'InvalidRequest', pointer: '/resourceGroup' },
  'an unknown query parameter': { method: 'GET', url: `${path}?verbose=1`, status: 400, code: 'InvalidRequest', pointer: '/verbose' },
  'a force that is no boolean': { method: 'DELETE', url: `${path}?force=perhaps`, status: 400, code: 'InvalidRequest', pointer: '/force' },
  'an unknown job': { method: 'GET', url: '/v1/jobs/4711', status: 404, code: 'JobNotFound' },
  'a name of the queue\'s own': { method: 'GET', url: '/v1/jobs/meta', status: 404, code: 'JobNotFound' },
  'another name of the queue\'s own': { method: 'GET', url: '/v1/jobs/events', status: 404, code: 'JobNotFound' },
  'an encoded body': { method: 'PUT', url: path, payload: '{}', headers: { ...json, 'content-encoding': 'gzip' }, status: 415, code: 'UnsupportedMediaType' },
  'a cursor that was not handed out': { method: 'GET', url: '/v1/jobs?cursor=abc', status: 400, code: 'InvalidCursor', pointer: '/cursor' },
  'an unknown status': { method: 'GET', url: '/v1/jobs?status=Done', status: 400, code: 'InvalidRequest', pointer: '/status' },
  'a page that is too large': { method: 'GET', url: '/v1/jobs?top=101', status: 400, code: 'InvalidRequest', pointer: '/top' },
  'NUL in a filter': { method: 'GET', url: '/v1/jobs?requestedBy=%00', status: 400, code: 'InvalidRequest', pointer: '/requestedBy' },
  'an Idempotency-Key with a blank': { method: 'PUT', url: path, payload: '{}', headers: { ...json, 'idempotency-key': 'a b' }, status: 400, code: 'InvalidIdempotencyKey', pointer: '/idempotency-key' },
  'an Idempotency-Key of 256 characters': { method: 'PUT', url: path, payload: '{}', headers: { ...json, 'idempotency-key': 'a'.repeat(256) }, status: 400, code: 'InvalidIdempotencyKey', pointer: '/idempotency-key' },
  'an empty Idempotency-Key': { method: 'PUT', url: path, payload: '{}', headers: { ...json, 'idempotency-key': '' }, status: 400, code: 'InvalidIdempotencyKey', pointer: '/idempotency-key' },
  'repeatability headers': { method: 'PUT', url: path, payload: '{}', headers: { ...json, 'repeatability-request-id': 'x' }, status: 501, code: 'RepeatabilityNotSupported' },
  'a URL that cannot be decoded': { method: 'GET', url: '/v1/jobs/%zz', status: 400, code: 'MalformedUrl' },
  'a segment that is too long': { method: 'GET', url: `/v1/jobs/${'a'.repeat(600)}`, status: 414, code: 'UriTooLong' },
  'an unknown path': { method: 'GET', url: '/v1/argocd', status: 404, code: 'RouteNotFound' }
}
