/** The door to chance: election jitter, incarnation and boot ids. Never used for secrets. */
export interface Random {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** 64 random bits as 16 lower-case hex digits; never all zero. */
  id64(): string;
}
