import loader, { type Highs } from 'highs';

/**
 * Loads the solver of linear programs. The package's types describe its CommonJS build; what an ECMA
 * module imports by default is the loader itself.
 */
export async function loadSolver(): Promise<Highs> {
  const load = loader as unknown as typeof loader.default;
  return await load();
}
