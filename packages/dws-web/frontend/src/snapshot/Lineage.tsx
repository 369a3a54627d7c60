// The lineage of a snapshot, drawn by a script that is loaded when it is first needed.

import { useEffect, useRef } from "preact/hooks";
import * as data from "../data";
import { useLoaded, Waiting } from "../parts/Waiting";
import { impactAddress } from "../route";

let loading: Promise<void> | null = null;

function load(): Promise<void> {
  loading ??= new Promise((resolve, reject) => {
    const style = document.createElement("link");
    // Cytoscape would add a style element of this id, which the policy forbids, if there were none.
    Object.assign(style, { id: "__________cytoscape_stylesheet", rel: "stylesheet", href: "app/lineage.css" });
    const script = document.createElement("script");
    const failed = () => {
      loading = null;
      reject(new data.Failure("The script that draws the lineage cannot be loaded", "Load the page again"));
    };
    let missing = 2;
    script.onload = style.onload = () => --missing || resolve();
    script.onerror = style.onerror = failed;
    script.src = "app/lineage.js";
    document.head.append(style, script);
  });
  return loading;
}

export function Lineage({ name }: { name: string }) {
  const place = useRef<HTMLDivElement>(null);
  const [page, failure] = useLoaded(() => Promise.all([data.lineage(name), load()]).then(([found]) => found), [name]);
  useEffect(() => {
    if (!page || !place.current || !window.dwsLineage) {
      return;
    }
    const links = data.isExport ? {} : { impactAddress: (version: { resource: string; subpath: string | null }) => impactAddress(version.resource, version.subpath) };
    const view = window.dwsLineage.show(place.current, page, { isPage: false, ...links });
    return () => view.dispose();
  }, [page]);
  return page ? <div class="lineage-place" ref={place} /> : <Waiting failure={failure} />;
}
