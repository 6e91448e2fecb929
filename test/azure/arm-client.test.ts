import { createPipelineRequest } from '@azure/core-rest-pipeline'
import { expect, test } from 'vitest'
import { createArmClient, type AzureOptions } from '../../src/azure/arm-client.ts'

async function scopeFor (options: Omit<AzureOptions, 'credential'>): Promise<{ endpoint: string, scopes: unknown[] }> {
  const scopes: unknown[] = []
  const { endpoint, client } = createArmClient({
    ...options,
    credential: { getToken: async scope => { scopes.push(...[scope].flat()); throw new Error('far enough') } }
  })
  await client('5f0c1a52-8a53-4a2e-9c0b-3f6f8f0f1a11').sendRequest(createPipelineRequest({ url: `${endpoint}/subscriptions` })).catch(() => undefined)
  return { endpoint, scopes }
}

test.each([
  ['AzureCloud', 'https://management.azure.com'],
  ['AzureUSGovernment', 'https://management.usgovcloudapi.net'],
  ['AzureChinaCloud', 'https://management.chinacloudapi.cn']
] as const)('%s is reached at its own Resource Manager, with a token for it', async (cloud, endpoint) => {
  expect(await scopeFor({ cloud })).toEqual({ endpoint, scopes: [`${endpoint}/.default`] })
})

test('an endpoint that is given instead gets its own token, too', async () => {
  expect(await scopeFor({ cloud: 'AzureCloud', armEndpoint: 'https://127.0.0.1:1/' })).toEqual({ endpoint: 'https://127.0.0.1:1', scopes: ['https://127.0.0.1:1/.default'] })
})

test('a subscription\'s client is made once', () => {
  const { client } = createArmClient({ cloud: 'AzureCloud' })
  expect(client('a')).toBe(client('a'))
  expect(client('a')).not.toBe(client('b'))
})
