/** The MIME tree of a mail by mailparser; a file of its own, so that it is loaded only for mails that need it. */
import { type AttachmentStream, MailParser, type MessageText } from 'mailparser';
import type { MimeNode } from '../index.ts';

/** The MIME tree of a mail, its leaves as they stand. Rejects where mailparser gives up: too many parts, a header block too large. */
export function parseMime(raw: Uint8Array): Promise<MimeNode> {
  return new Promise((resolve, reject) => {
    const parser = new TreeParser({ skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true, ignoreEmbedded: true });
    parser.on('error', reject);
    parser.on('data', (data: AttachmentStream | MessageText) => {
      if (data.type !== 'attachment') return;
      const leaf = parser.leaves.get(data.headers);
      const chunks: Uint8Array[] = [];
      data.content.on('data', (chunk: Uint8Array) => chunks.push(chunk));
      data.content.on('error', reject);
      data.content.on('end', () => {
        if (leaf) leaf.content = Buffer.concat(chunks);
        data.release();
      });
    });
    parser.on('end', () => {
      if (parser.root) resolve(parser.root);
      else reject(new Error('no part found'));
    });
    parser.end(raw);
  });
}

/** What mailparser's class has beside its published types: the seam where each part of the mail gets its node. */
interface PartNode {
  headers: { getFirst(name: string): string };
  encoding: string | false;
}
interface TreeNode {
  headers: AttachmentStream['headers'];
  children: TreeNode[];
  parent?: TreeNode;
  decoder?: unknown;
  isAttachment?: boolean;
}
declare module 'mailparser' {
  interface MailParser {
    createNode(node: PartNode): TreeNode;
  }
  interface MailParserOptions {
    ignoreEmbedded?: boolean;
  }
}

/** Every leaf is handed out as an attachment and undecoded: mailparser's own text is joined, trimmed and loses lines of a diff. */
class TreeParser extends MailParser {
  root: MimeNode | null = null;
  readonly leaves = new Map<AttachmentStream['headers'], MimeNode>();
  private readonly nodes = new Map<TreeNode, MimeNode>();

  override createNode(part: PartNode): TreeNode {
    const header = (name: string) => part.headers.getFirst(name);
    part.encoding = false;
    const tree = super.createNode(part);
    const isLeaf = tree.decoder !== undefined;
    const node: MimeNode = {
      contentType: header('content-type'),
      encoding: header('content-transfer-encoding'),
      disposition: header('content-disposition'),
      content: isLeaf ? new Uint8Array(0) : null,
      children: [],
    };
    this.nodes.set(tree, node);
    if (isLeaf) {
      tree.isAttachment = true;
      this.leaves.set(tree.headers, node);
    }
    if (tree.parent) this.nodes.get(tree.parent)?.children.push(node);
    else this.root ??= node;
    return tree;
  }
}
