/**
 * Straight-line code over callbacks: a generator that yields operations and gets their values back.
 * For the paths that run once (opening, recovering, switching segments); the writing path uses
 * callbacks directly. No promises, so a simulator decides the order of every completion.
 */
import { assert } from "../base/index.ts";

/** Something that completes later, exactly once, with an error or a value. */
export type Operation<Value> = (
  done: (error: Error | null, value?: Value | undefined) => void,
) => void;

/** A sequence of operations that ends with a value or throws. Run by `runTask`. */
export type Task<Value> = Generator<Operation<unknown>, Value, unknown>;

/** Waits for one operation: `const names = yield* perform((done) => disk.list(path, done))`. */
export function* perform<Value = void>(operation: Operation<Value>): Task<Value> {
  // The runner answers a yield with the value of the very operation that was yielded.
  return (yield operation as Operation<unknown>) as Value;
}

/**
 * Runs a task to its end; `done` gets its value, or what it threw. Operations must not complete
 * inside their own call.
 */
export function runTask<Value>(
  task: Task<Value>,
  done: (error: Error | null, value?: Value) => void,
): void {
  advance(task, () => task.next(), done);
}

function advance<Value>(
  task: Task<Value>,
  resume: () => IteratorResult<Operation<unknown>, Value>,
  done: (error: Error | null, value?: Value) => void,
): void {
  let step: IteratorResult<Operation<unknown>, Value>;
  try {
    step = resume();
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  if (step.done === true) {
    done(null, step.value);
    return;
  }
  let settled = false;
  step.value((error, value) => {
    assert(!settled, "an operation completes once");
    settled = true;
    advance(task, () => (error === null ? task.next(value) : task.throw(error)), done);
  });
}
