import type { Route } from './call.ts'

/** How clients that are pointed at a private cloud find its parts. No call needs a token. */
export function metadataRoutes (tenantId: string): Route[] {
  return [{
    method: 'GET',
    path: '/metadata/endpoints',
    handler: ({ origin }) => ({
      status: 200,
      body: {
        name: 'SlipwayEmulator',
        portal: origin,
        authentication: { loginEndpoint: origin, audiences: [origin], tenant: tenantId, identityProvider: 'AAD' },
        resourceManager: origin,
        graphAudience: 'https://graph.microsoft.com/',
        graph: 'https://graph.microsoft.com/',
        microsoftGraphResourceId: 'https://graph.microsoft.com/',
        activeDirectoryDataLake: 'https://datalake.azure.net/',
        batch: 'https://batch.core.windows.net/',
        gallery: origin,
        media: 'https://rest.media.azure.net',
        vmImageAliasDoc: origin,
        sqlManagement: 'https://management.core.windows.net:8443/',
        suffixes: {
          acrLoginServer: 'azurecr.io',
          azureDataLakeAnalyticsCatalogAndJob: 'azuredatalakeanalytics.net',
          azureDataLakeStoreFileSystem: 'azuredatalakestore.net',
          azureFrontDoorEndpointSuffix: 'azurefd.net',
          keyVaultDns: 'vault.azure.net',
          mhsmDns: 'managedhsm.azure.net',
          mysqlServerEndpoint: 'mysql.database.azure.com',
          postgresqlServerEndpoint: 'postgres.database.azure.com',
          sqlServerHostname: 'database.windows.net',
          storage: 'core.windows.net',
          storageSyncEndpointSuffix: 'afs.azure.net',
          synapseAnalytics: 'dev.azuresynapse.net'
        }
      }
    })
  }]
}
