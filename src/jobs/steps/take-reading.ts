import type { OperationReading } from '../../azure/extension.ts'
import type { Extensions } from '../../azure/extensions.ts'
import type { StepContext } from '../step.ts'

/**
 * The next reading of the job's operation: the one that the write itself gave, or a new one. Undefined when there is no
 * operation URL, or Azure does not accept it any more; it is then not asked again.
 */
export async function takeReading ({ request, checkpoint, record }: StepContext, extensions: Pick<Extensions, 'readOperation'>): Promise<OperationReading | undefined> {
  const { firstReading, write } = checkpoint
  if (firstReading) {
    record({ firstReading: undefined })
    return firstReading
  }
  if (write?.operationUrl === undefined) return undefined
  const reading = await extensions.readOperation(request.cluster, write.operationUrl, { correlationId: request.correlationId })
  if (reading === undefined) {
    const { operationUrl: _lost, ...rest } = write
    record({ write: rest })
  }
  return reading
}
