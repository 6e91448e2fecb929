/** What the emulator answers to one request. A string body goes out as it is, anything else as JSON. */
export interface Answer {
  status: number
  headers?: Record<string, string>
  body?: unknown
}

/** An error body as ARM writes it. */
export interface ErrorBody {
  code: string
  message: string
  target?: string
  details?: ErrorBody[]
  additionalInfo?: unknown[]
}

/** A request that ends with an error of ARM or of a resource provider. */
export class ArmError extends Error {
  override readonly name = 'ArmError'
  readonly answer: Answer

  constructor (status: number, error: ErrorBody, headers: Record<string, string> = {}) {
    super(error.message)
    this.answer = { status, headers, body: { error } }
  }
}

const gateway = { 'x-ms-failure-cause': 'gateway' } // ARM itself refused; no resource provider saw the request

export const badRequest = (code: string, message: string) => new ArmError(400, { code, message })

export const invalidContent = (message: string) => badRequest('InvalidRequestContent', `The request content was invalid and could not be deserialized: '${message}'.`)

export const unauthenticated = (code: string, message: string, authority: string) =>
  new ArmError(401, { code, message }, {
    ...gateway,
    'www-authenticate': `Bearer authorization_uri="${authority}", error="invalid_token", error_description="${message.replaceAll('"', "'")}"`
  })

export const missingApiVersion = () =>
  badRequest('MissingApiVersionParameter', 'The api-version query parameter (?api-version=) is required for all requests.')

export const invalidApiVersion = (version: string, supported: readonly string[]) =>
  badRequest('InvalidApiVersionParameter', `The api-version '${version}' is invalid. The supported versions are '${supported.join(',')}'.`)

export const noRegisteredProvider = (type: string, version: string, location: string, supported: readonly string[], locations: readonly string[]) =>
  badRequest('NoRegisteredProviderFound', `No registered resource provider found for location '${location}' and API version '${version}' for type '${type}'. ` +
  `The supported api-versions are '${supported.join(', ')}'. The supported locations are '${locations.map(name => name.toLowerCase().replaceAll(' ', '')).join(', ')}'.`)

export const invalidResourceType = (namespace: string, version: string) =>
  new ArmError(404, { code: 'InvalidResourceType', message: `The resource type could not be found in the namespace '${namespace}' for api version '${version}'.` }, gateway)

export const invalidNamespace = (namespace: string) =>
  new ArmError(404, { code: 'InvalidResourceNamespace', message: `The resource namespace '${namespace}' is invalid.` }, gateway)

export const missingSubscription = () =>
  new ArmError(404, { code: 'MissingSubscription', message: 'The request did not have a subscription or a valid tenant level resource provider.' }, gateway)

export const resourceGroupNotFound = (name: string) =>
  new ArmError(404, { code: 'ResourceGroupNotFound', message: `Resource group '${name}' could not be found.` }, gateway)

/** The gateway's 404: the cluster is not there, so no resource provider was asked. */
export const resourceNotFound = (type: string, name: string, resourceGroup: string) =>
  new ArmError(404, {
    code: 'ResourceNotFound',
    message: `The Resource '${type}/${name}' under resource group '${resourceGroup}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`
  }, gateway)

/** The resource provider's 404: the cluster is there, the extension is not. */
export const extensionNotFound = (name: string) =>
  new ArmError(404, { code: 'ResourceNotFound', message: `Extension instance with name '${name}' not found.`, additionalInfo: [] })

export const operationNotFound = (id: string) =>
  new ArmError(404, { code: 'ResourceNotFound', message: `Operation with id '${id}' not found.`, additionalInfo: [] })

/** The emulator's own words: what ARM says to a changed signature is not known. */
export const operationUrlChanged = () =>
  new ArmError(403, { code: 'InvalidOperationUrl', message: 'The operation URL is signed. It must come back byte for byte as it was given.' })

export const missingRegistration = (namespace: string) => {
  const code = 'MissingSubscriptionRegistration'
  const message = `The subscription is not registered to use namespace '${namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions.`
  return new ArmError(409, { code, message, details: [{ code, message, target: namespace }] }, gateway)
}

export const patchConflict = (state: string) =>
  new ArmError(409, {
    code: 'ExtensionPatchFailed',
    message: `The PATCH method cannot be completed due to a conflict. (ProvisioningState of extension: ${state}). Please wait for a few minutes for the ProvisioningState ` +
      'to change to Succeeded, Failed or Canceled and retry again. If the problem persists, please contact Microsoft support.',
    additionalInfo: []
  })

export const writeConflict = () =>
  new ArmError(409, {
    code: 'UpdateFailed',
    message: 'Update failed for this resource, as there is a conflicting operation in progress. Please try after sometime.',
    additionalInfo: []
  })

export const typeNotRegistered = (type: string, region: string, regions: readonly string[]) =>
  new ArmError(400, {
    code: 'ExtensionTypeRegistrationGetFailed',
    message: regions.length === 0
      ? `Extension type ${type} is not registered in region ${region}.`
      : `Extension type ${type} is not registered in region ${region}. Extension is available in ${regions.join(', ')}. Please try to install in these regions.`,
    additionalInfo: []
  })
