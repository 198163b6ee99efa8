/** A topology file as the value that a driver runs. */
import { readFile } from 'node:fs/promises';
import { parseTopologyFile, topologyFrom } from '../config/topology-file.ts';
import type { Topology } from '../runtime/topology.ts';

/** Settings that follow the machine are filled for two cores, so that one seed is one run everywhere. */
const CORES = 2;

/** Fails with `TOPOLOGY_INVALID`, naming line and column. */
export async function readTopology(file: string, topicPrefix = ''): Promise<Topology> {
  const text = await readFile(file, 'utf8');
  return topologyFrom(parseTopologyFile({ file, text }), { cores: CORES, topicPrefix });
}
