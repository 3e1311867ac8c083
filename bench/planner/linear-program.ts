import type { Highs } from 'highs';
import { assert } from '../../src/base/assert.ts';

/** A variable times a factor. */
export type Term = readonly [variable: number, factor: number];

/** A linear program in the making. Variables are numbers, costs are minimised. */
export interface LinearProgram {
  /** Adds a variable of at least 0. */
  variable(of?: { readonly most?: number; readonly cost?: number }): number;
  /** Keeps a sum of terms, in which a variable occurs once, within a range. */
  constrain(terms: readonly Term[], range: { least?: number; most?: number }): void;
  /** Makes a sum of terms 0. */
  balance(terms: readonly Term[]): void;
  /** The least cost. Throws if there is none. */
  minimum(): number;
}

/** An empty linear program, to be solved by `highs`. */
export function createLinearProgram(highs: Highs): LinearProgram {
  const colCost: number[] = [];
  const colUpper: number[] = [];
  const rowLower: number[] = [];
  const rowUpper: number[] = [];
  const starts = [0];
  const indices: number[] = [];
  const values: number[] = [];

  function constrain(terms: readonly Term[], range: { least?: number; most?: number }): void {
    for (const [variable, factor] of terms) {
      indices.push(variable);
      values.push(factor);
    }
    starts.push(indices.length);
    rowLower.push(range.least ?? -Infinity);
    rowUpper.push(range.most ?? Infinity);
  }

  return {
    variable({ most = Infinity, cost = 0 } = {}) {
      colCost.push(cost);
      colUpper.push(most);
      return colCost.length - 1;
    },
    constrain,
    balance: (terms) => constrain(terms, { least: 0, most: 0 }),
    minimum() {
      const [numCols, numRows] = [colCost.length, rowLower.length];
      const colLower = Array.from({ length: numCols }, () => 0);
      const matrix = { format: 'csr' as const, numRows, numCols, starts, indices, values };
      const data = { numCols, numRows, colCost, colLower, colUpper, rowLower, rowUpper, matrix };
      return highs.withModel(data, (model): number => {
        const { modelStatus } = model.run();
        const isSolved = modelStatus === highs.constants.modelStatus.optimal;
        assert(isSolved, `the linear program has an optimum (status ${modelStatus})`);
        return model.getObjectiveValue();
      });
    },
  };
}
