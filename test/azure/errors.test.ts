import { AuthenticationError, CredentialUnavailableError } from '@azure/identity'
import { RestError } from '@azure/core-rest-pipeline'
import { expect, test } from 'vitest'
import { judgeAnswer, judgeFailure, retryAfterOf } from '../../src/azure/errors.ts'
import { extensionOf, operationOf } from '../../src/azure/extension.ts'

// Codes, statuses and texts of Azure's own answers; sources in test/conformance/recordings and Microsoft's documentation.
test.each<[number, string | undefined, string, Record<string, string>, string]>([
  [404, 'ResourceNotFound', 'Extension instance with name \'argocd\' not found.', {}, 'absent'],
  [404, 'ResourceNotFound', 'The Resource \'Microsoft.Kubernetes/connectedClusters/c\' under resource group \'rg\' was not found.', { 'x-ms-failure-cause': 'gateway' }, 'cluster-absent'],
  [404, 'ResourceGroupNotFound', 'Resource group \'rg\' could not be found.', {}, 'cluster-absent'],
  [404, 'SubscriptionNotFound', 'The subscription could not be found.', {}, 'cluster-absent'],
  [409, 'ExtensionPatchFailed', 'The PATCH method cannot be completed due to a conflict.', {}, 'busy'],
  [409, 'UpdateFailed', 'Update failed for this resource, as there is a conflicting operation in progress.', {}, 'busy'],
  [409, 'OperationNotAllowed', 'Operation is not allowed because there is an in progress operation.', {}, 'busy'],
  [409, 'MissingSubscriptionRegistration', 'The subscription is not registered to use namespace.', {}, 'refused'],
  [409, 'ScopeLocked', 'The scope cannot perform delete operation.', {}, 'refused'],
  [403, 'AuthorizationFailed', 'The client does not have authorization.', {}, 'refused'],
  [403, 'RequestDisallowedByPolicy', 'Resource was disallowed by policy.', {}, 'refused'],
  [400, 'ExtensionTypeRegistrationGetFailed', 'Extension type is not registered in region.', {}, 'refused'],
  [401, 'ExpiredAuthenticationToken', 'The access token expiry has passed.', {}, 'unauthenticated'],
  [429, 'SubscriptionRequestsThrottled', 'Number of requests exceeded.', {}, 'throttled'],
  [429, undefined, '<html>429 Too Many Requests</html>', {}, 'throttled'],
  [408, undefined, '', {}, 'unknown'], [500, 'InternalServerError', 'oops', {}, 'unknown'], [502, undefined, '<html>', {}, 'unknown'], [503, 'ServiceUnavailable', '', {}, 'unknown'], [504, undefined, '', {}, 'unknown'],
  [200, undefined, 'half a bod', {}, 'unknown']
])('%i %s is judged', (status, code, message, headers, kind) => {
  const body = code === undefined ? message : JSON.stringify({ error: { code, message } })
  const failure = judgeAnswer({ status, headers: { ...headers, 'x-ms-request-id': 'r', 'x-ms-correlation-request-id': 'c' }, body })
  expect(failure.kind).toBe(kind)
  expect(failure.facts).toMatchObject({ httpStatus: status, requestId: 'r', correlationId: 'c', ...(code !== undefined && { code, message }) })
})

test.each<[string, unknown, string]>([
  ['a refused connection', new RestError('x', { code: 'ECONNREFUSED' }), 'not-sent'],
  ['a name that is not found', new RestError('x', { code: 'ENOTFOUND' }), 'not-sent'],
  ['a reset', new RestError('x', { code: 'ECONNRESET' }), 'unknown'],
  ['an answer that breaks off', new RestError('x', { code: 'REQUEST_SEND_ERROR' }), 'unknown'],
  ['no credential', new CredentialUnavailableError('tried /home/me/.azure and more'), 'not-sent'],
  ['a wrong secret', new AuthenticationError(401, { error: 'invalid_client', error_description: 'AADSTS7000215: secret' }), 'not-sent'],
  ['a timeout of ours', new DOMException('timed out', 'TimeoutError'), 'unknown'],
  ['anything else', 'a string', 'unknown']
])('%s is judged, and its text kept from callers', (_name, error, kind) => {
  const failure = judgeFailure(error)
  expect(failure.kind).toBe(kind)
  expect(failure.message).not.toMatch(/secret|home/)
})

test('Retry-After is read in seconds and as a date, and is nothing where it is neither', () => {
  expect([retryAfterOf({ 'retry-after': '7' }), retryAfterOf({ 'retry-after': '-1' }), retryAfterOf({ 'retry-after': 'soon' }), retryAfterOf({ 'retry-after': '' }), retryAfterOf({})]).toEqual([7_000, 0, undefined, undefined, undefined])
  const inTenSeconds = retryAfterOf({ 'retry-after': new Date(Date.now() + 10_000).toUTCString() }) ?? 0
  expect(inTenSeconds).toBeGreaterThan(8_000)
  expect(inTenSeconds).toBeLessThanOrEqual(10_000)
})

test('an extension is read as it is: nothing that is absent is filled in', () => {
  expect(extensionOf({ id: '/x', name: 'argocd', properties: { extensionType: 'Microsoft.ArgoCD', provisioningState: 'Succeeded', version: null, scope: { cluster: { releaseNamespace: 'gitops' } }, configurationSettings: { a: 'b' }, configurationProtectedSettings: { z: '', y: '' }, statuses: [] }, systemData: { createdAt: 't' } })).toEqual({
    id: '/x', name: 'argocd', type: 'microsoft.argocd', provisioningState: 'Succeeded', protectedKeys: ['y', 'z'], statuses: [], createdAt: 't',
    compiled: { extensionName: 'argocd', namespace: 'gitops', autoUpgradeMinorVersion: true, settings: { a: 'b' } }
  })
  expect([extensionOf(undefined), extensionOf([]), extensionOf({ name: 'x' }), extensionOf('<html>')]).toEqual([undefined, undefined, undefined, undefined])
})

test('an operation without a status, or with one that is not known, is under way', () => {
  const read = (body: string) => operationOf({ status: 200, headers: {}, body })
  expect([read('{}').status, read('').status, read('{"status":"Paused"}').status]).toEqual(['Unknown', 'Unknown', 'Paused'])
  expect(read('{"status":"Failed","error":{"code":"ExtensionOperationFailed","message":"m"}}')).toEqual({ status: 'Failed', error: { code: 'ExtensionOperationFailed', message: 'm' } })
})
