import { beforeAll, describe, expect, it } from 'vitest';
import { createSerdes, openFolderRegistry, SHIPPED_SCHEMAS } from '../../../src/adapters/schemas/index.ts';
import { startPipeline } from '../../../src/cli/compose/pipeline.ts';
import type { UploadInput } from '../../../src/cli/inputs/upload-inputs.ts';
import type { ScoreOutcome } from '../../../src/cli/output/score-outcome.ts';
import { type ScoreRunOptions, scoreUploads } from '../../../src/cli/score-run/score-uploads.ts';
import { FirstFiveError } from '../../../src/core/errors.ts';
import { seededRandom } from '../../../src/core/random.ts';
import type { StreamRecord } from '../../../src/core/record.ts';
import type { UploadId } from '../../../src/core/upload.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { HandlerResult, RecordHandler } from '../../../src/runtime/handler.ts';
import { outputHeaders } from '../../../src/runtime/record-headers.ts';
import type { Topology } from '../../../src/runtime/topology.ts';
import { MemoryLog } from '../../../src/testing/memory-log.ts';
import { score as sampleScore } from '../../adapters/schemas/samples.ts';
import { INPUT, LETTERS, OUTPUT, stageSpec } from '../../runtime/fixtures.ts';
import { uploadEvent } from '../../support/upload-fixtures.ts';

const TOPICS = { uploads: INPUT, scores: OUTPUT, deadLetters: LETTERS };
const SEED = 11;

let serdes: Awaited<ReturnType<typeof createSerdes>>;

beforeAll(async () => {
  serdes = await createSerdes(await openFolderRegistry(SHIPPED_SCHEMAS));
});

function topology(): Topology {
  const stage = stageSpec({ commit: { intervalMs: 5, maxRecords: 8 } });
  const topics = [INPUT, OUTPUT, LETTERS].map(
    (name) => ({ name, partitions: 3, cleanup: 'delete', retentionMs: null }) as const,
  );
  const rest = { bundle: 'none', delivery: 'exactly-once', decoders: 1, inference: {} } as const;
  return { name: 'test', topics, stages: [stage], ...rest };
}

/** Scores after a random moment; an upload named `bad-…` is rejected, with a base-rate score beside the dead letter. */
function randomHandler(random: () => number): RecordHandler {
  const emit = (source: StreamRecord, tier: number): HandlerResult => {
    const { uploadId, revision, uploadedAt } = serdes.uploadCreated.deserialize(
      source.value ?? new Uint8Array(),
    );
    const value = serdes.coldStartScore.serialize({ ...sampleScore, uploadId, revision, uploadedAt, tier });
    const headers = outputHeaders({ source, lane: 'live', revision, tier });
    const output = { topic: OUTPUT, timestamp: 1, key: source.key, value, headers };
    return { outputs: [output], order: { id: uploadId, revision, tier } };
  };
  return {
    handle: async (record) => {
      await new Promise((resolve) => setTimeout(resolve, random() * 8));
      if (
        Buffer.from(record.key ?? [])
          .toString()
          .startsWith('bad')
      ) {
        throw new FirstFiveError('MEDIA_EMPTY', 'no bytes', { stage: 'extract' });
      }
      return emit(record, 1);
    },
    rejected: (record) => emit(record, 0),
  };
}

function inputsOf(names: readonly string[]): UploadInput[] {
  return names.map((name, index) => {
    if (name === 'no row') {
      return {
        index,
        uploadId: `line:${index}`,
        error: new FirstFiveError('UPLOAD_INVALID', 'no row', { stage: 'read' }),
      };
    }
    const [uploadId = '', revision = '0'] = name.split('@');
    return { index, event: uploadEvent({ uploadId: uploadId as UploadId, revision: Number(revision) }) };
  });
}

async function* streamed(inputs: readonly UploadInput[]) {
  yield* inputs;
}

interface Run {
  readonly log?: MemoryLog;
  readonly handler?: RecordHandler;
  readonly stop?: AbortSignal;
  readonly onOutcome?: ScoreRunOptions['onOutcome'];
}

async function answersTo(names: readonly string[], run: Run = {}): Promise<string[]> {
  const log = run.log ?? new MemoryLog(systemClock);
  await log.admin.ensureTopics(topology().topics);
  const answers: string[] = [];
  await scoreUploads({
    ...{ log, topics: TOPICS, serdes, now: Date.now, onProgress: () => {} },
    inputs: streamed(inputsOf(names)),
    startPipeline: (onSettled) =>
      startPipeline({
        ...{ topology: topology(), log, slot: '0' },
        handlerOf: () => run.handler ?? randomHandler(seededRandom(SEED)),
        onSettled: (_stage, settled) => onSettled(settled),
      }),
    onOutcome: async (outcome) => {
      answers.push(said(outcome));
      await run.onOutcome?.(outcome);
    },
    stop: run.stop ?? new AbortController().signal,
  });
  return answers;
}

function said(outcome: ScoreOutcome): string {
  if (outcome.status === 'scored')
    return `${outcome.score.uploadId}@${outcome.score.revision}/${outcome.score.tier}`;
  return `${outcome.uploadId} ${outcome.code} ${outcome.stage}`;
}

describe('scoreUploads', () => {
  it('answers every input once, in input order, whatever the order of the work', async () => {
    const names = Array.from({ length: 450 }, (_, i) => `${i % 7 === 3 ? 'bad' : 'ok'}-${i}`);
    names.splice(100, 0, 'no row');
    const wanted = names.map((name, i) => {
      if (name === 'no row') return `line:${i} UPLOAD_INVALID read`;
      return name.startsWith('bad') ? `${name} MEDIA_EMPTY extract` : `${name}@0/1`;
    });
    expect(await answersTo(names)).toEqual(wanted);
  });

  it('answers an older revision of an upload of the same run as superseded, and the same one twice', async () => {
    expect(await answersTo(['a@2', 'a@1', 'a@2', 'b@0', 'a@3'])).toEqual([
      'a@2/1',
      'a UPLOAD_SUPERSEDED emit',
      'a@2/1',
      'b@0/1',
      'a@3/1',
    ]);
  });

  it('is not disturbed by what others put on the same log before and during the run', async () => {
    const log = new MemoryLog(systemClock);
    expect(await answersTo(['old'], { log })).toEqual(['old@0/1']);
    const other = { topic: OUTPUT, timestamp: 1, key: null, value: null, headers: [] };
    const others = [{ ...other }, { ...other, topic: LETTERS, value: Buffer.from('not a letter of ours') }];
    let asked = 0;
    const onOutcome = async () => {
      if (asked++ === 0) await log.append(others);
    };
    expect(await answersTo(['new', 'bad', 'newer'], { log, onOutcome })).toEqual([
      'new@0/1',
      'bad MEDIA_EMPTY extract',
      'newer@0/1',
    ]);
  });

  it('fails with what ended the pipeline, instead of waiting for ever', async () => {
    const log = new MemoryLog(systemClock);
    log.fault = (step) => {
      if (step === 'commit') throw new FirstFiveError('LOG_FENCED', 'another owner');
    };
    await expect(answersTo(['a', 'b'], { log })).rejects.toMatchObject({ code: 'LOG_FENCED' });
  });

  it('stops when it is told to, without waiting for what is under way', async () => {
    const stopping = new AbortController();
    const handler: RecordHandler = {
      handle: ({ key }, { signal }) =>
        new Promise((_resolve, reject) => {
          if (Buffer.from(key ?? []).toString() === 'last') stopping.abort();
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
      rejected: () => undefined,
    };
    expect(await answersTo(['a', 'b', 'last'], { handler, stop: stopping.signal })).toEqual([]);
  });

  it('has nothing to say about nothing', async () => {
    expect(await answersTo([])).toEqual([]);
    expect(await answersTo(['no row'])).toEqual(['line:0 UPLOAD_INVALID read']);
  });
});
