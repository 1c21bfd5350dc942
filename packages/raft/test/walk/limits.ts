/** Bounds of the walk itself. */

/**
 * Messages, or units of work of one member, without a tick between them; more is an endless
 * conversation.
 */
export const pumpMax = 50_000;

/** Steps of one seed before healing. */
export const stepsDefault = 3_000;
