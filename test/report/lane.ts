/** A pair of maps that two functions update in opposite ways: one finding with an execution, over a statement of two lines. */
export const code = `struct lane_map {
	unsigned long *used;	/* used == ~idle */
	unsigned long *idle;
};

void lane_take(struct lane_map *m, unsigned int i)
{
	set_bit(i, m->used);
	clear_bit(i,
		  m->idle);
}

void lane_put(struct lane_map *m, unsigned int i)
{
	clear_bit(i, m->used);
	set_bit(i, m->idle);
}
`;
