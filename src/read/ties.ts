/** Sets of ids by union and find. */
export class Ties {
  private readonly parents = new Map<string, string>();

  find(id: string): string {
    let root = id;
    for (let up = this.parents.get(root); up !== undefined; up = this.parents.get(root)) root = up;
    // Paths are halved on the way: a chain as long as a hostile mbox likes stays cheap.
    for (let at = id; at !== root; ) {
      const up = this.parents.get(at) ?? root;
      this.parents.set(at, root);
      at = up;
    }
    return root;
  }

  join(left: string, right: string): void {
    const [a, b] = [this.find(left), this.find(right)];
    if (a !== b) this.parents.set(b, a);
  }
}
