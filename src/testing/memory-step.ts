/** Where a memory log can be made to fail, hang or wait its turn. */

/**
 * `committed` comes after a commit took effect and before its answer, the others before the step takes effect; `read` is a
 * reader's, `assign` and `revoke` come before the listener hears of it.
 */
export const LOG_STEPS = ['poll', 'commit', 'committed', 'append', 'read', 'assign', 'revoke'] as const;
export type LogStep = (typeof LOG_STEPS)[number];

/** Called at each step. It throws or rejects to make the step fail, delays it, or never settles to hang it. */
export type MemoryLogFault = (step: LogStep) => void | Promise<void>;
