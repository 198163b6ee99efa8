/** Execution providers by name, and which of them work on this machine. */
import { spawn } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FirstFiveError } from '../../core/errors.ts';
import { withoutTelemetry } from './no-telemetry.ts';

export const ONNX_PROVIDERS = ['cpu', 'cuda', 'tensorrt'] as const;
export type OnnxProvider = (typeof ONNX_PROVIDERS)[number];

export interface ProviderStatus {
  readonly provider: OnnxProvider;
  readonly available: boolean;
  /** Why not, in ONNX Runtime's own words (they name the missing library); `null` when available. */
  readonly reason: string | null;
}

const PROBE_TIMEOUT_MS = 60_000;
const MAX_STDERR_CHARACTERS = 8_000;
const MAX_REASON_CHARACTERS = 600;

/** `PROVIDER_UNAVAILABLE` with the reason, in which the missing library is named. */
export async function requireProvider(provider: OnnxProvider): Promise<void> {
  const { available, reason } = await probeProvider(provider);
  if (!available) throw new FirstFiveError('PROVIDER_UNAVAILABLE', reason ?? provider);
}

/** Tries each provider in a child process of its own, since a broken driver may take its process down. */
export function probeProviders(): Promise<readonly ProviderStatus[]> {
  return Promise.all(ONNX_PROVIDERS.map(probeProvider));
}

export function probeProvider(provider: OnnxProvider): Promise<ProviderStatus> {
  const extension = extname(fileURLToPath(import.meta.url));
  const entry = fileURLToPath(new URL(`./probe-entry${extension}`, import.meta.url));
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [entry, provider], {
      env: withoutTelemetry(process.env),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const deadline = setTimeout(() => child.kill('SIGKILL'), PROBE_TIMEOUT_MS);
    let said = '';
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      said = (said + text).slice(-MAX_STDERR_CHARACTERS);
    });
    child.on('error', (error) => finish(error.message));
    child.on('close', (code, signal) => {
      if (code === 0) finish(null);
      else finish(signal === null ? reasonIn(said) : `the probe was ended by ${signal}`);
    });
    function finish(reason: string | null): void {
      clearTimeout(deadline);
      resolve({ provider, available: reason === null, reason });
    }
  });
}

/** The probe's own message, and the library that ONNX Runtime could not load: it names that one in its log only. */
function reasonIn(text: string): string {
  const lines = text.trim().split('\n');
  const message = lines.at(-1) ?? '';
  const library = /Failed to load library .* with error: (.*)/.exec(text)?.[1] ?? '';
  const reason = [message, library.replaceAll(/\S*\//g, '')].filter((part) => part !== '').join(': ');
  return reason === '' ? 'the probe failed and said nothing' : reason.slice(0, MAX_REASON_CHARACTERS);
}
