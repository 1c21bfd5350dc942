/** Bounds of a world of bare cores. */

/**
 * Messages, or units of work of one member, without a tick between them; more is an endless
 * conversation.
 */
export const pumpMax = 50_000;

/** Actions of one seed before healing. */
export const actionsDefault = 3_000;
