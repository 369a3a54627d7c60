// The pictures among the results.

import { useEffect, useState } from "preact/hooks";
import { visible } from "../text";
import { NOW, type Block, type Snapshot } from "../types";
import { Blocks } from "../parts/Blocks";
import { previewOf } from "./Files";

const PICTURE = /\.(png|jpe?g|gif|webp|svg)$/i;
const MOST = 12;

export function Pictures({ shown }: { shown: Snapshot }) {
  const files = shown.files.filter((file) => PICTURE.test(file.path)).slice(0, MOST);
  if (!files.length) {
    return null;
  }
  return (
    <section aria-label="Pictures">
      <h2>Pictures</h2>
      <div class="pictures">
        {files.map((file) => (
          <Picture key={file.resource + file.path} shown={shown} resource={file.resource} path={file.path} />
        ))}
      </div>
    </section>
  );
}

function Picture({ shown, resource, path }: { shown: Snapshot; resource: string; path: string }) {
  const [blocks, setBlocks] = useState<Block[]>([]);
  const name = path.slice(path.lastIndexOf("/") + 1);
  useEffect(() => {
    let isWanted = true;
    previewOf(shown, { at: NOW, resource, path }).then(
      (preview) => isWanted && setBlocks(preview.blocks.filter((block) => block.kind === "image")),
      () => undefined,
    );
    return () => {
      isWanted = false;
    };
  }, [shown.hash, resource, path]);
  return (
    <figure class="picture">
      <Blocks blocks={blocks} name={name} />
      <figcaption>{visible(name)}</figcaption>
    </figure>
  );
}
