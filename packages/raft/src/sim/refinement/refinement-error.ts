/** What is thrown when a core did something that the specification cannot explain. */
import { Violation } from "../violation.ts";

export class RefinementError extends Violation {
  override readonly name = "RefinementError";
  /** The member's place. */
  readonly at: number;
  /** The action of the specification that was refused, or null: states or effects differ. */
  readonly action: string | null;

  constructor(message: string, at: number, action: string | null, cause: Error) {
    super("refinement", message);
    this.at = at;
    this.action = action;
    this.cause = cause;
  }
}
