/** What a check of `doctor` is, and running them so that none can break another. */
import { toFirstFiveError } from '../../core/errors.ts';

/** `fail`: FirstFive cannot do what it is configured for. `warn`: it can, worse. `info`: nothing to do. */
export type CheckStatus = 'ok' | 'info' | 'warn' | 'fail';

export interface CheckResult {
  readonly name: string;
  readonly status: CheckStatus;
  readonly detail: string;
  /** What to do about it. */
  readonly fix?: string;
}

export interface Check {
  readonly name: string;
  run(): Promise<readonly CheckResult[]>;
}

const CHECK_TIMEOUT_MS = 90_000;

/** One after the other: the results of two that measure or load at once would tell of each other. */
export async function* runChecks(checks: readonly Check[]): AsyncGenerator<CheckResult> {
  for (const check of checks) yield* await guarded(check);
}

/** A check that throws, or never ends, is a failed check. */
async function guarded(check: Check): Promise<readonly CheckResult[]> {
  const late = Promise.withResolvers<readonly CheckResult[]>();
  const timer = setTimeout(
    () => late.resolve([failed(check.name, `no answer within ${CHECK_TIMEOUT_MS / 1_000} s`)]),
    CHECK_TIMEOUT_MS,
  );
  try {
    return await Promise.race([check.run(), late.promise]);
  } catch (thrown) {
    const { code, message } = toFirstFiveError(thrown);
    return [failed(check.name, `${code} ${message}`)];
  } finally {
    clearTimeout(timer);
  }
}

export function ok(name: string, detail: string): CheckResult {
  return { name, status: 'ok', detail };
}

export function info(name: string, detail: string): CheckResult {
  return { name, status: 'info', detail };
}

export function warned(name: string, detail: string, fix: string): CheckResult {
  return { name, status: 'warn', detail, fix };
}

export function failed(name: string, detail: string, fix?: string): CheckResult {
  return { name, status: 'fail', detail, ...(fix === undefined ? {} : { fix }) };
}
