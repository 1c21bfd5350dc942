/**
 * A disk that sees one directory as if it were empty: its files get a prefix before their names,
 * and no others are seen. So a new content is written beside the old one, in the same directory, by
 * the very code that writes a directory.
 */
import { assert } from "../../base/index.ts";
import type { DirectoryLock, Disk, DiskFile, Done, DoneWith } from "../../ports/index.ts";
import { pathIn } from "../files.ts";
import { stagedPrefix } from "./staged-names.ts";

export class StagedDisk implements Disk {
  readonly #disk: Disk;
  readonly #directory: string;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  makeDirectory(path: string, done: Done): void {
    this.#disk.makeDirectory(path, done);
  }

  list(path: string, done: DoneWith<readonly string[]>): void {
    this.#disk.list(path, (error, names = []) => {
      if (error !== null) return done(error);
      const staged = names.filter((name) => name.startsWith(stagedPrefix));
      done(
        null,
        staged.map((name) => name.slice(stagedPrefix.length)),
      );
    });
  }

  open(path: string, mode: "create" | "existing", done: DoneWith<DiskFile>): void {
    this.#disk.open(this.#staged(path), mode, (error, file) => {
      if (file === undefined) done(error);
      else done(null, new StagedFile(path, file));
    });
  }

  rename(from: string, to: string, done: Done): void {
    this.#disk.rename(this.#staged(from), this.#staged(to), done);
  }

  remove(path: string, done: Done): void {
    this.#disk.remove(this.#staged(path), done);
  }

  syncDirectory(path: string, done: Done): void {
    this.#disk.syncDirectory(path, done);
  }

  lock(directory: string, done: DoneWith<DirectoryLock>): void {
    this.#disk.lock(directory, done);
  }

  #staged(path: string): string {
    const prefix = `${this.#directory}/`;
    assert(path.startsWith(prefix), "a staged file lies in its directory", () => path);
    return pathIn(this.#directory, stagedPrefix + path.slice(prefix.length));
  }
}

/** A file under the name that it will have. */
class StagedFile implements DiskFile {
  readonly path: string;
  readonly #file: DiskFile;

  constructor(path: string, file: DiskFile) {
    this.path = path;
    this.#file = file;
  }

  read(offset: number, length: number, done: DoneWith<Uint8Array>): void {
    this.#file.read(offset, length, done);
  }

  write(offset: number, chunks: readonly Uint8Array[], done: Done): void {
    this.#file.write(offset, chunks, done);
  }

  sync(done: Done): void {
    this.#file.sync(done);
  }

  truncate(sizeBytes: number, done: Done): void {
    this.#file.truncate(sizeBytes, done);
  }

  size(done: DoneWith<number>): void {
    this.#file.size(done);
  }

  close(done: Done): void {
    this.#file.close(done);
  }
}
