/* blocks: sizes for the blocked axes that no schedule has set and whose best size does not depend on the launch.
 *
 *   for (j in L) { s[i, j] = dot(…); …; o[i, e] += dot(p, V[j, e], j) }      i: 64, j: 192
 *   for (j in L) { for (i in S) { s[i, j] = dot(…); … } }                    i: 192, j: 64, as an axis of the grid
 *
 * A body that streams over blocks of a loop axis keeps tiles over the grid and loop axes alive between its operations, so their
 * blocks must be small enough for the caches: with contractions 64 by 192 (48 KB a tile, whole panels and register tiles; a loop
 * whose end depends on the grid block, as in causal attention, wastes half a block), or 48 by 96 where panels are a line of the
 * caches wide: so many rows of 64 floats leave room for another operand in the first level, in place, and tiles of six rows and of 16 columns come out
 * even; without, long lines and few rows. Bodies
 * without such a loop are left alone, as targets size their grids at launch; but a kernel whose code asks for its blocks
 * (`i.first`, `i.size`) has to have some. Blocks that are counted into bins are many times as long as there are bins, as these are cleared
 * and added up once a block. Runs once over the axes. */
#include "dsl/passes/passes.h"

enum { GRID_DOT = 64, GRID_DOT_NARROW = 48, LOOP_DOT = 192, LOOP_DOT_NARROW = 96, LINE_BLOCK = 1024, ROW_BLOCK = 8, LONE_BLOCK = 4096, PER_BIN = 16, MOST_COUNTED = 1 << 18 };

typedef struct survey {
    tg_func *f;
    bool *in_dot;   /* by axis rank */
    bool *streamed; /* by axis rank: the phase that binds it has a loop over blocks */
    bool *around;   /* by axis rank: such a loop is inside what binds it */
    bool *crossed;  /* by axis rank: some tile spans it and a full axis: lines and rows */
    int64_t *bins;  /* by axis rank: of a histogram along it */
    int64_t grid_dot, loop_dot;
    bool changed;
} survey;

static void note_dot(survey *s, const tg_op *dot) {
    for (uint32_t i = 0; i < 2; i++) {
        const tg_type *t = tg_operand(dot, i)->type;
        for (uint32_t k = 0; k < t->n_axes; k++) {
            const tg_axis *a = t->axes[k];
            for (; a; a = a->like) {
                s->in_dot[a->rank] = true;
            }
        }
    }
}

/* Marks the axes of the binders around a loop over blocks, and its own. */
static void note_loop(survey *s, const tg_op *loop) {
    for (const tg_op *op = loop; op; op = op->parent ? op->parent->parent->parent : NULL) {
        const tg_axis *a = op->opcode == TG_OP_PAR || op->opcode == TG_OP_FOR ? tg_op_axis(op, TG_ATTR_AXIS) : NULL;
        if (a) {
            s->streamed[a->rank] = true;
            s->around[a->rank] |= op != loop;
        }
    }
}

static void note_result(survey *s, const tg_type *t) {
    bool local = false;
    for (uint32_t i = 0; t->kind == TG_TYPE_TILE && i < t->n_axes; i++) {
        local |= t->axes[i]->kind == TG_AXIS_LOCAL;
    }
    for (uint32_t i = 0; local && i < t->n_axes; i++) {
        s->crossed[t->axes[i]->rank] = true;
    }
}

static void visit(tg_op *op, void *user) {
    for (uint32_t i = 0; i < op->n_results; i++) {
        note_result(user, tg_result(op, i)->type);
    }
    if (op->opcode == TG_OP_HISTOGRAM) {
        survey *s = user;
        s->bins[tg_op_axis(op, TG_ATTR_AXIS)->rank] = tg_op_axis(op, TG_ATTR_BINS)->extent;
    } else if (op->opcode == TG_OP_DOT) {
        note_dot(user, op);
    } else if (op->opcode == TG_OP_FOR && tg_op_axis(op, TG_ATTR_AXIS)) {
        note_loop(user, op);
    }
}

static int64_t block_of(const survey *s, const tg_axis *a) {
    bool lone = !s->crossed[a->rank];
    bool streamed = s->streamed[a->rank], dot = s->in_dot[a->rank];
    if (a->kind == TG_AXIS_LOOP) {
        return !dot ? LINE_BLOCK : s->around[a->rank] ? GRID_DOT : s->loop_dot;
    }
    if (streamed && dot) {
        return s->grid_dot;
    }
    if (!s->f->block_dependent) {
        return 0;
    }
    int64_t bins = s->bins[a->rank];
    int64_t counted = bins > MOST_COUNTED / PER_BIN ? MOST_COUNTED : bins * PER_BIN;
    return dot ? GRID_DOT : streamed || !lone ? ROW_BLOCK : counted > LONE_BLOCK ? counted : LONE_BLOCK;
}

static bool choose_blocks(tg_func *f, int64_t grid_dot, int64_t loop_dot) {
    uint32_t n = f->axes.len + 1;
    survey s = {.f = f,
                .grid_dot = grid_dot,
                .loop_dot = loop_dot,
                .bins = TG_NEW_ARRAY(f->arena, int64_t, n),
                .in_dot = TG_NEW_ARRAY(f->arena, bool, n),
                .streamed = TG_NEW_ARRAY(f->arena, bool, n),
                .around = TG_NEW_ARRAY(f->arena, bool, n),
                .crossed = TG_NEW_ARRAY(f->arena, bool, n)};
    tg_ir_walk(f, visit, &s);
    for (uint32_t i = 0; i < f->axes.len; i++) {
        tg_axis *a = f->axes.data[i];
        bool open = a->block == 0 && !a->like && a->kind != TG_AXIS_LOCAL && a->binder;
        int64_t block = open ? block_of(&s, a) : 0;
        if (block > 0) {
            a->block = block;
            s.changed = true;
        }
    }
    return s.changed;
}

bool tg_pass_blocks(tg_func *f) {
    return choose_blocks(f, GRID_DOT, LOOP_DOT);
}

bool tg_pass_blocks_narrow(tg_func *f) {
    return choose_blocks(f, GRID_DOT_NARROW, LOOP_DOT_NARROW);
}
