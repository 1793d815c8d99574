/** Steps of which each has to be done whatever becomes of the others: everything is closed, whichever of it fails. */

/** Runs them one after the other. @throws what the first that failed threw, once all have run */
export async function inTurn(steps: readonly (() => Promise<unknown> | void)[]): Promise<void> {
  const errors: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}
