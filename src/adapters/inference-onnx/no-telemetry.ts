/**
 * ONNX Runtime 1.30 on Linux reports the machine, the process and every session to its maker over HTTPS, and keeps a queue of reports
 * under the user's cache folder and a log in the temporary folder. It looks for this variable in the environment of the process
 * (not in a worker thread's copy) when it is loaded.
 */
const SWITCH = 'ORT_DISABLE_TELEMETRY';

/** To be called in the main thread before a worker loads the library. */
export function refuseTelemetry(): void {
  process.env[SWITCH] = '1';
}

/** The environment for a process of its own that loads the library. */
export function withoutTelemetry(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, [SWITCH]: '1' };
}
