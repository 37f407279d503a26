import { CopyRows } from './domain/copy-rows.ts';

const initialBytes = 4_194_304;

/** Encoding buffers that go round: a batch borrows some and gives all of them back when its transaction is over. */
export function createRowBuffers(): () => { readonly take: () => CopyRows; readonly giveBack: () => void } {
  const free: CopyRows[] = [];
  return () => {
    const borrowed: CopyRows[] = [];
    return {
      take: () => {
        const rows = free.pop() ?? new CopyRows(initialBytes);
        rows.clear();
        borrowed.push(rows);
        return rows;
      },
      giveBack: () => {
        free.push(...borrowed.splice(0));
      },
    };
  };
}
