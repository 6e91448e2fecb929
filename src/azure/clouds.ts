import { AzureAuthorityHosts } from '@azure/identity'

/** The Azure clouds that Slipway knows by name, as `SLIPWAY_AZURE_CLOUD` spells them. */
export const cloudNames = ['AzureCloud', 'AzureUSGovernment', 'AzureChinaCloud'] as const

export type CloudName = typeof cloudNames[number]

/** Where a cloud's Resource Manager and Entra answer. */
export interface Cloud {
  armEndpoint: string
  authorityHost: string
}

/** Endpoints of the public and sovereign clouds (as `az cloud list` prints them). */
export const clouds: Record<CloudName, Cloud> = {
  AzureCloud: { armEndpoint: 'https://management.azure.com', authorityHost: AzureAuthorityHosts.AzurePublicCloud },
  AzureUSGovernment: { armEndpoint: 'https://management.usgovcloudapi.net', authorityHost: AzureAuthorityHosts.AzureGovernment },
  AzureChinaCloud: { armEndpoint: 'https://management.chinacloudapi.cn', authorityHost: AzureAuthorityHosts.AzureChina }
}
