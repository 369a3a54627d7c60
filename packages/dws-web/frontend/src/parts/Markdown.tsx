// Markdown as elements. Each is made here, with text in it: HTML of the document is shown as text, an address that is
// not one of the web leads nowhere, and no picture is fetched.

import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";
import type { ComponentChildren } from "preact";
import type { Nodes } from "mdast";
import { visible } from "../text";

export function Markdown({ text }: { text: string }) {
  let tree: Nodes;
  try {
    tree = fromMarkdown(text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
  } catch {
    return <pre>{visible(text)}</pre>;
  }
  return <div class="markdown">{element(tree, 0)}</div>;
}

function element(node: Nodes, depth: number): ComponentChildren {
  if (depth > 60) {
    return "…";
  }
  const children = () => ("children" in node ? node.children.map((child) => element(child, depth + 1)) : null);
  switch (node.type) {
    case "root":
      return children();
    case "text":
      return visible(node.value);
    case "html":
      return <code class="as-text">{visible(node.value)}</code>;
    case "paragraph":
      return <p>{children()}</p>;
    case "heading":
      // Below the headings of the page itself.
      return node.depth === 1 ? <h4 class="first">{children()}</h4> : node.depth === 2 ? <h4>{children()}</h4> : <h5>{children()}</h5>;
    case "emphasis":
      return <em>{children()}</em>;
    case "strong":
      return <strong>{children()}</strong>;
    case "delete":
      return <del>{children()}</del>;
    case "inlineCode":
      return <code>{visible(node.value)}</code>;
    case "code":
      return <pre tabIndex={0}>{visible(node.value)}</pre>;
    case "blockquote":
      return <blockquote>{children()}</blockquote>;
    case "list":
      return node.ordered ? <ol start={node.start ?? 1}>{children()}</ol> : <ul>{children()}</ul>;
    case "listItem":
      return (
        <li>
          {typeof node.checked === "boolean" ? (node.checked ? "☑ " : "☐ ") : null}
          {children()}
        </li>
      );
    case "thematicBreak":
      return <hr />;
    case "break":
      return <br />;
    case "link":
      return /^https?:\/\//i.test(node.url) ? (
        <a href={node.url} target="_blank" rel="noopener noreferrer nofollow" title={visible(node.url)}>
          {children()}
        </a>
      ) : (
        <span title={visible(node.url)}>{children()}</span>
      );
    case "image":
      return <span class="as-text">[picture: {visible(node.alt || node.url)}]</span>;
    case "table":
      return (
        <div class="scrolls" tabIndex={0} role="region" aria-label="Table">
          <table class="plain">
            <tbody>{children()}</tbody>
          </table>
        </div>
      );
    case "tableRow":
      return <tr>{children()}</tr>;
    case "tableCell":
      return <td>{children()}</td>;
    default:
      return children();
  }
}
