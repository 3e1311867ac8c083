import * as z from 'zod/mini';
import { parseDocument, type DocumentSource } from '../base/parse-document.ts';
import { wantedVm, type WantedVm } from '../control/host-calls.ts';

const SCHEMA = 'kgetplus.machine/1';

const fields = z.object({ schema: z.literal(SCHEMA), wanted: wantedVm });

/**
 * What a machine of ours is: a file `machine.json` in its directory on its node. The environment of
 * its task is complete: see `withNames`.
 * @throws KgetError `corrupt`, `version`
 */
export function parseMachineRecord(source: DocumentSource): WantedVm {
  return parseDocument(source, { title: 'record of a machine', schema: SCHEMA, fields }).wanted;
}

export function machineRecordText(wanted: WantedVm): string {
  return `${JSON.stringify({ schema: SCHEMA, wanted }, undefined, 2)}\n`;
}
