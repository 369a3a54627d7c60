// A preview of a file: the blocks that the server made of it.

import type { Block, Cell } from "../types";
import { visible } from "../text";
import { Markdown } from "./Markdown";

const PICTURE = /^data:image\/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=]*$/;

export function Blocks({ blocks, name }: { blocks: Block[]; name: string }) {
  return (
    <div class="blocks">
      {blocks.map((block, index) => (
        <One key={index} block={block} name={name} />
      ))}
    </div>
  );
}

function One({ block, name }: { block: Block; name: string }) {
  switch (block.kind) {
    case "text":
      return <p>{visible(block.text)}</p>;
    case "markdown":
      return <Markdown text={block.text} />;
    case "code":
      return (
        <div class={block.label ? "cell" : undefined}>
          {block.label && <span class="cell-label">{visible(block.label)}</span>}
          <pre class={block.is_error ? "error-text" : undefined} tabIndex={0}>
            {visible(block.text)}
          </pre>
        </div>
      );
    case "image":
      return PICTURE.test(block.source) ? (
        <img src={block.source} alt={`Content of ${visible(name)}`} />
      ) : (
        <p class="muted">A picture that cannot be shown</p>
      );
    case "table":
      return (
        <>
          <div class="scrolls" tabIndex={0} role="region" aria-label={`Rows of ${visible(name)}`}>
            <table class="plain">
              <thead>
                <tr>
                  {block.columns.map((column, index) => (
                    <th key={index} scope="col">
                      {visible(column)}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {block.rows.map((row, index) => (
                  <tr key={index}>
                    {row.map((cell, place) => (
                      <td key={place} class={isNumber(cell) ? "number" : undefined}>
                        {cellText(cell)}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {block.note && <p class="muted">{visible(block.note)}</p>}
        </>
      );
  }
}

const isNumber = (cell: Cell) => typeof cell === "number" || (typeof cell === "object" && cell !== null);

const cellText = (cell: Cell) =>
  cell === null ? "" : visible(typeof cell === "object" ? cell.number : cell);
