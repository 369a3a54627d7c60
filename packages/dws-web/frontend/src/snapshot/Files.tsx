// The files of a snapshot: those of its results, and of each resource as it was.

import { useState } from "preact/hooks";
import * as data from "../data";
import { Blocks } from "../parts/Blocks";
import { Icon } from "../parts/Icon";
import { useLoaded, Waiting } from "../parts/Waiting";
import { impactAddress } from "../route";
import { plural, sizeText, visible } from "../text";
import { NOW, type Preview, type Snapshot } from "../types";

interface Place {
  at: string;
  resource: string;
  path: string;
}

export function Files({ shown }: { shown: Snapshot }) {
  const [open, setOpen] = useState<Place | null>(null);
  const [isWhole, setWhole] = useState(false);
  return (
    <div class="files">
      <nav class="file-list" aria-label="Files">
        {shown.files.length > 0 && <h2>Results</h2>}
        <ul>
          {shown.files.map((file) => (
            // The results of a snapshot lie in the resource as it is now, in a directory of their own.
            <Entry key={file.resource + file.path} place={{ at: NOW, resource: file.resource, path: file.path }} name={ownName(shown, file.path)} size={file.size} open={open} setOpen={setOpen} />
          ))}
        </ul>
        {shown.has_more_files && <p class="muted">Only the first {plural(shown.files.length, "file")} are listed</p>}
        {!data.isExport && <h2>Resources</h2>}
        {!data.isExport && shown.resources.map((resource) => <Directory key={resource.name} at={shown.hash} resource={resource.name} path="" name={resource.name} open={open} setOpen={setOpen} />)}
      </nav>
      <section class={`file-view${isWhole ? " whole" : ""}`} aria-label="Content" aria-live="polite">
        {open ? <File place={open} shown={shown} isWhole={isWhole} setWhole={setWhole} key={open.at + open.resource + open.path} /> : <p class="muted hint">Choose a file to see what is in it.</p>}
      </section>
    </div>
  );
}

/** Without the directory that the snapshot moved the results to. */
export function ownName(shown: Snapshot, path: string): string {
  const tops = new Set(shown.files.map((file) => file.path.split("/").slice(0, 2).join("/")));
  const [top] = tops;
  return tops.size === 1 && top && shown.hash !== NOW && path.startsWith(`${top}/`) ? path.slice(top.length + 1) : path;
}

/** Where the file lay when steps read it. */
const ownPath = (shown: Snapshot, place: Place) => (place.at === NOW && shown.hash !== NOW ? ownName(shown, place.path) : place.path);

interface EntryProps {
  place: Place;
  name: string;
  size: number | null;
  open: Place | null;
  setOpen: (place: Place) => void;
}

function Entry({ place, name, size, open, setOpen }: EntryProps) {
  const isOpen = open?.at === place.at && open.resource === place.resource && open.path === place.path;
  return (
    <li>
      <button type="button" class="entry" aria-current={isOpen ? "true" : undefined} onClick={() => setOpen(place)}>
        <Icon name="file" />
        <span class="grow" title={visible(place.path)}>
          {visible(name)}
        </span>
        <span class="muted">{sizeText(size)}</span>
      </button>
    </li>
  );
}

function Directory(props: { at: string; resource: string; path: string; name: string; open: Place | null; setOpen: (place: Place) => void }) {
  const { at, resource, path, name, open, setOpen } = props;
  const [isOpen, setIsOpen] = useState(false);
  return (
    <div class="directory">
      <button type="button" class="entry" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
        <Icon name={isOpen ? "down" : "right"} />
        <Icon name="folder" />
        <span class="grow">{visible(name)}</span>
      </button>
      {isOpen && <Content at={at} resource={resource} path={path} open={open} setOpen={setOpen} />}
    </div>
  );
}

function Content({ at, resource, path, open, setOpen }: { at: string; resource: string; path: string; open: Place | null; setOpen: (place: Place) => void }) {
  const [listing, failure] = useLoaded(() => data.listing(at, resource, path), [at, resource, path]);
  if (failure) {
    return <p class="muted">{visible(failure.message)}</p>;
  }
  if (!listing) {
    return null;
  }
  const below = (name: string) => (path ? `${path}/${name}` : name);
  return (
    <ul>
      {listing.entries.map((entry) =>
        entry.kind === "directory" ? (
          <li key={entry.name}>
            <Directory at={at} resource={resource} path={below(entry.name)} name={entry.name} open={open} setOpen={setOpen} />
          </li>
        ) : (
          <Entry key={entry.name} place={{ at, resource, path: below(entry.name) }} name={entry.name} size={entry.size} open={open} setOpen={setOpen} />
        ),
      )}
      {!listing.entries.length && <li class="muted">Nothing is in it</li>}
      {listing.has_more && <li class="muted">and more</li>}
    </ul>
  );
}

export function previewOf(shown: Snapshot, place: Place): Promise<Preview> {
  if (!data.isExport) {
    return data.preview(place.at, place.resource, place.path);
  }
  const found = shown.previews?.[`${place.resource}:${place.path}`];
  return found ? Promise.resolve(found) : Promise.reject(new data.Failure("This export does not hold the file"));
}

function File({ place, shown, isWhole, setWhole }: { place: Place; shown: Snapshot; isWhole: boolean; setWhole: (value: boolean) => void }) {
  const [preview, failure] = useLoaded(() => previewOf(shown, place), [place.at, place.resource, place.path]);
  const name = place.path.slice(place.path.lastIndexOf("/") + 1);
  return (
    <>
      <header>
        <h2>{visible(name)}</h2>
        <span class="muted">
          {visible(place.resource)}
          {preview ? `, ${sizeText(preview.size)}` : ""}
        </span>
        {!data.isExport && (
          <a class="button small" href={data.downloadAddress(place.at, place.resource, place.path)} download={visible(name)}>
            <Icon name="download" />
            Download
          </a>
        )}
        {!data.isExport && (
          <a class="button small" href={impactAddress(place.resource, ownPath(shown, place))}>
            <Icon name="graph" />
            What used it
          </a>
        )}
        <button type="button" class="button small" aria-pressed={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? "Less room" : "More room"}
        </button>
      </header>
      {preview ? (
        <>
          {preview.problem && <p class="warning">{visible(preview.problem)}</p>}
          {preview.blocks.length ? <Blocks blocks={preview.blocks} name={name} /> : <p class="muted hint">There is no preview of this kind of file.</p>}
        </>
      ) : (
        <Waiting failure={failure} />
      )}
    </>
  );
}
