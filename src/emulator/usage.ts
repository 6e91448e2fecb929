import type { Client } from './tokens.ts'

/** What to set and what to type to work with a running emulator. */
export function usage ({ url, client, caFile, subscriptionId }: { url: string, client: Client, caFile: string, subscriptionId: string }): string {
  const cluster = `/subscriptions/${subscriptionId}/resourceGroups/rg-demo/providers/Microsoft.ContainerService/managedClusters/aks-demo`
  return `Azure emulator at ${url}
Certificate authority: ${caFile}

Credentials
  AZURE_TENANT_ID=${client.tenantId}
  AZURE_CLIENT_ID=${client.clientId}
  AZURE_CLIENT_SECRET=${client.clientSecret}
  AZURE_SUBSCRIPTION_ID=${subscriptionId}

Slipway (besides the credentials)
  SLIPWAY_ARM_ENDPOINT=${url}
  AZURE_AUTHORITY_HOST=${url}
  SLIPWAY_AZURE_CA_FILE=${caFile}
  SLIPWAY_DISABLE_INSTANCE_DISCOVERY=true

Other clients: trust the authority, and switch instance discovery off
  Node            NODE_EXTRA_CA_CERTS=${caFile}
  Python, az      REQUESTS_CA_BUNDLE=${caFile}
  Go, Terraform   SSL_CERT_FILE=${caFile}

The Azure CLI, in a configuration of its own
  export AZURE_CONFIG_DIR=$PWD/.slipway/az AZURE_CORE_INSTANCE_DISCOVERY=false REQUESTS_CA_BUNDLE=${caFile}
  az cloud register -n emulator --endpoint-resource-manager ${url} && az cloud set -n emulator
  az login --service-principal --tenant ${client.tenantId} -u ${client.clientId} -p ${client.clientSecret}

Make a cluster
  curl --cacert ${caFile} -X PUT ${url}/_emulator/clusters${cluster} \\
    -H 'content-type: application/json' -d '{ "createSeconds": 20, "outcome": "Succeeded" }'

What was written to it: ${url}/_emulator/ledger`
}
