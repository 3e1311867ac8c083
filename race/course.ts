import { statSync } from 'node:fs';

import { describeImages, imageOf, layImages, parseImageSpec } from '../lab/images.ts';
import { processesIn } from '../lab/processes.ts';
import { startLab } from '../lab/start.ts';
import { measureContents } from './contents.ts';
import { logNormalSizes } from './profiles.ts';
import { openProcessGroup } from './use.ts';
import type { ImageSpec } from '../lab/images.ts';
import type { Lab } from '../lab/lab.ts';
import type { Place } from './contenders.ts';
import type { Groups } from './heat.ts';
import type { Profile } from './profiles.ts';
import type { ImagesRecord, LabRecord } from './record.ts';

/** The lab that a profile describes, with images on its nodes. */
export interface Course extends AsyncDisposable {
  readonly lab: Lab;
  readonly place: Place;
  readonly groups: Groups;
  readonly labRecord: LabRecord;
  readonly images: ImagesRecord;
  readonly imageBytes: ReadonlyMap<string, number>;
}

/** @throws Error if the lab cannot be brought up, or an image cannot be made */
export async function prepareCourse(
  profile: Profile,
  { directory }: { readonly directory?: string | undefined },
): Promise<Course> {
  const { nodes, rate, racks } = profile;
  const lab = await startLab({
    nodes,
    rate,
    ...(racks && { racks }),
    ...(directory !== undefined && { directory }),
  });
  try {
    return await furnish(lab, profile);
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

async function furnish(lab: Lab, profile: Profile): Promise<Course> {
  const { slow } = profile;
  for (const node of lab.nodes.slice(lab.nodes.length - (slow?.nodes ?? 0))) {
    await lab.setRate(node, slow?.rate ?? profile.rate);
  }
  const spec = parseImageSpec(profile.image);
  await layImages(lab, spec, sizesOf(profile, spec));
  const imagePaths = lab.nodes.map(imageOf);
  const groups = openGroups(lab);
  return {
    lab,
    place: {
      nodes: lab.nodes.map((node) => node.name),
      sshConfig: lab.sshConfig,
    },
    groups,
    labRecord: describeLab(profile),
    images: { description: describe(profile, spec), ...(await measureContents(imagePaths)) },
    imageBytes: new Map(
      lab.nodes.map(({ name }, index) => [name, statSync(imagePaths[index] ?? '').size]),
    ),
    [Symbol.asyncDispose]: async () => {
      await lab.stop();
      groups.frontend.remove();
      groups.nodes.remove();
    },
  };
}

/** What already runs in the lab are the sshds; all that a contender runs on nodes comes from them. */
function openGroups(lab: Lab): Groups {
  const frontend = openProcessGroup(`${lab.name}-frontend`);
  const nodes = openProcessGroup(`${lab.name}-nodes`);
  frontend.join(processesIn([lab.frontend.namespace]));
  nodes.join(processesIn(lab.nodes.map((node) => node.namespace)));
  return { frontend, nodes };
}

function sizesOf(profile: Profile, spec: ImageSpec): { readonly sizes?: readonly number[] } {
  const { nodes, sigma } = profile;
  if (sigma === undefined) return {};
  return { sizes: logNormalSizes(nodes, { medianBytes: spec.sizeBytes, sigma }) };
}

function describe({ nodes, sigma }: Profile, spec: ImageSpec): string {
  const spread = sigma === undefined ? '' : `, sizes log-normal with sigma ${sigma}`;
  return `${nodes} × ${describeImages(spec)}${spread}`;
}

function describeLab({ nodes, rate, slow, racks }: Profile): LabRecord {
  const topology = [
    racks ? `${racks.count} racks with uplinks of ${racks.uplinkRate}` : 'one switch',
    ...(slow ? [`${slow.nodes} nodes at ${slow.rate}`] : []),
  ];
  return { nodes, rate, frontendRate: rate, topology: topology.join(', ') };
}
