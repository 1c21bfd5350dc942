/**
 * What a member process tells the `dev` that started it, over the channel between parent and child.
 */

export type MemberMessage =
  /** Its ports are open. */
  | { readonly kind: "listening"; readonly clientUrls: readonly string[] }
  /** Its own role or term changed. */
  | { readonly kind: "role"; readonly role: string; readonly term: number }
  /** It cannot start, or had to stop. */
  | {
      readonly kind: "failed";
      readonly code: string | null;
      readonly message: string;
      readonly lines: readonly string[];
    };

/**
 * Set in the environment of a member that `dev` starts: other parents with a channel are not spoken
 * to.
 */
export const devVariable = "QUORATE_DEV_MEMBER";

/** Null for anything else. */
export function parseMemberMessage(value: unknown): MemberMessage | null {
  if (typeof value !== "object" || value === null || !("kind" in value)) return null;
  const known = ["listening", "role", "failed"];
  // Both ends are this very file: the kind tells the rest.
  return known.includes(String(value.kind)) ? (value as MemberMessage) : null;
}
