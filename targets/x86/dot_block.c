/* Block sizes of a grid whose body is one contraction, chosen at launch.
 *
 * Nothing but the panel and the rows being packed lives in scratch then, so blocks may have any size: with one thread one task
 * covers all. With several, the vector axis is split first, in whole panels, because each panel is then packed once, by the
 * thread that uses it; rows are split in whole tiles if there are too few panels. If the rows have to be packed too, it is the
 * other way round: rows first, so that they are packed once. */
#include "targets/x86/dot.h"

enum { TASKS_PER_THREAD = 4, PACKED_ROWS = 192, MANY_ROWS = 4096, OUTER_ROWS = 8, MIN_ROWS = 48, TILE_BLOCK = 64, ROW_BLOCK = 48 };

typedef struct survey {
    tg_x86 *x;
    const tg_x86_dot *dot; /* the first on its fast path */
    bool alone;            /* it is all there is but elementwise code: no loops, no other tiles that live in buffers */
} survey;

/* The answers here are needed at launch and in the task, so they depend on the code alone. */
static bool is_pointwise(const tg_op *op) {
    bool tile = op->n_results && tg_result(op, 0)->type->kind == TG_TYPE_TILE && tg_result(op, 0)->type->n_axes > 0;
    return !tile || tg_op_is_elementwise(op->opcode) || op->opcode == TG_OP_LOAD || op->opcode == TG_OP_REINDEX;
}

static void survey_region(survey *s, tg_region *r) {
    for (tg_op *op = r->body.first; op; op = op->next) {
        const tg_x86_dot *d = op->opcode == TG_OP_DOT ? tg_x86_dot_plan(s->x, op) : NULL;
        if (d && !s->dot) {
            s->dot = d;
        } else if (op->opcode == TG_OP_DOT) {
            s->alone = false;
        }
        bool loops = op->opcode == TG_OP_FOR || op->opcode == TG_OP_WHILE || op->opcode == TG_OP_IF;
        s->alone = s->alone && !loops && (op->opcode == TG_OP_DOT || is_pointwise(op));
        for (uint32_t i = 0; i < op->n_regions && (loops || op->opcode == TG_OP_PAR); i++) {
            survey_region(s, &op->regions[i]);
        }
    }
}

static survey survey_phase(tg_x86 *x, tg_op *phase) {
    survey s = {x, NULL, true};
    survey_region(&s, &phase->regions[0]);
    return s;
}

static bool in_dot(const tg_x86_dot *d, const tg_axis *a) {
    return tg_type_has_axis(tg_result(d->op, 0)->type, a);
}

/* Or packed in blocks, which needs no more memory for more rows. */
static bool rows_in_place(tg_x86 *x, const tg_x86_dot *d) {
    bool columns = tg_x86_dot_is_direct(x, tg_operand(d->op, d->side), d->dtype, d->vector);
    return tg_x86_dot_is_direct(x, tg_operand(d->op, 1 - d->side), d->dtype, NULL) || (!columns && tg_x86_dot_packs_tiles(x, d));
}

/* Memory grows with the rows: packed ones, or the sums between parts of the reduction. */
static int64_t most_rows(tg_x86 *x, const tg_x86_dot *d) {
    tg_value *rows = tg_operand(d->op, 1 - d->side);
    bool unit = d->amx && tg_x86_dot_is_direct(x, rows, rows->type->dtype, d->over[0]); /* bf16 or bytes, packed in blocks at most */
    return unit || rows_in_place(x, d) ? MANY_ROWS : PACKED_ROWS * (int64_t)d->group;
}

static tg_op *phase_of(const tg_axis *a) {
    tg_op *op = a->binder;
    while (op && op->opcode != TG_OP_PHASE) {
        op = op->parent->parent->parent;
    }
    return op;
}

bool tg_x86_dot_default_block(tg_x86 *x, const tg_axis *a, int64_t *limit) {
    tg_op *phase = phase_of(a);
    survey s = phase ? survey_phase(x, phase) : (survey){0};
    if (!s.dot || !in_dot(s.dot, a)) {
        return false;
    }
    bool vector = a == s.dot->vector, row = a == s.dot->row;
    if (!s.alone) {
        *limit = vector ? TILE_BLOCK : row ? ROW_BLOCK : 1;
    } else if (vector) {
        *limit = 0;
    } else if (row) {
        *limit = most_rows(x, s.dot);
    } else {
        *limit = tg_type_has_axis(tg_operand(s.dot->op, s.dot->side)->type, a) ? 1 : OUTER_ROWS;
    }
    return true;
}

/* ceil(extent / parts) rounded up to a multiple of `unit`, at least `least` */
static LLVMValueRef share(tg_x86 *x, LLVMValueRef extent, LLVMValueRef parts, int64_t unit, int64_t least) {
    LLVMValueRef step = tg_llvm_i64(x->l, unit);
    LLVMValueRef each = tg_llvm_max64(x->l, tg_llvm_ceil_div(x->l, extent, parts), tg_llvm_i64(x->l, least));
    return LLVMBuildMul(x->builder, tg_llvm_ceil_div(x->l, each, step), step, "");
}

static LLVMValueRef parts_left(tg_x86 *x, LLVMValueRef want, LLVMValueRef extent, LLVMValueRef block) {
    LLVMValueRef one = tg_llvm_i64(x->l, 1);
    LLVMValueRef parts = tg_llvm_max64(x->l, tg_llvm_ceil_div(x->l, extent, block), one);
    return tg_llvm_max64(x->l, tg_llvm_ceil_div(x->l, want, parts), one);
}

typedef struct extents {
    LLVMValueRef vector, row; /* null: not of the grid */
    int64_t width, height;    /* of the register tile */
    bool in_place;
} extents;

/* Blocks for several threads, to g. */
static void share_out(tg_x86 *x, const extents *e, LLVMValueRef threads, LLVMValueRef others, tg_x86_dot_grid *g) {
    LLVMValueRef want = LLVMBuildMul(x->builder, threads, tg_llvm_i64(x->l, TASKS_PER_THREAD), "");
    want = tg_llvm_ceil_div(x->l, want, tg_llvm_max64(x->l, others, tg_llvm_i64(x->l, 1)));
    for (int turn = 0; turn < 2; turn++) {
        bool vector = e->in_place == (turn == 0);
        if (vector && e->vector) {
            g->vector_block = share(x, e->vector, want, e->width, 1);
            want = parts_left(x, want, e->vector, g->vector_block);
        } else if (!vector && e->row) {
            g->row_block = share(x, e->row, want, e->height, MIN_ROWS);
            want = parts_left(x, want, e->row, g->row_block);
        }
    }
}

/* The value chosen in the block `several`, or all of the extent in the block `alone`. */
static LLVMValueRef block_of(tg_x86 *x, LLVMValueRef chosen, LLVMBasicBlockRef several, LLVMValueRef extent,
                             LLVMBasicBlockRef alone) {
    LLVMValueRef phi = LLVMBuildPhi(x->builder, x->l->i64, "");
    LLVMAddIncoming(phi, (LLVMValueRef[]){chosen, extent}, (LLVMBasicBlockRef[]){several, alone}, 2);
    return phi;
}

void tg_x86_dot_blocks(tg_x86 *x, tg_op *phase, LLVMValueRef threads, LLVMValueRef others, LLVMValueRef vector_extent,
                       LLVMValueRef row_extent, tg_x86_dot_grid *g) {
    unsigned rows, vecs;
    LLVMValueRef one = tg_llvm_i64(x->l, 1);
    survey s = survey_phase(x, phase);
    tg_x86_dot_register_tile(x, s.dot, &rows, &vecs);
    extents e = {vector_extent, row_extent, 0, rows, rows_in_place(x, s.dot)};
    e.width = (int64_t)vecs * x->machine->vector_bits / 8 / (int64_t)tg_dtype_size(s.dot->dtype);
    LLVMValueRef vector = vector_extent ? tg_llvm_max64(x->l, vector_extent, one) : NULL;
    LLVMValueRef row = row_extent ? tg_llvm_max64(x->l, row_extent, one) : NULL;
    LLVMBasicBlockRef alone = LLVMGetInsertBlock(x->builder), several = tg_llvm_block(x->l), after = tg_llvm_block(x->l);
    LLVMBuildCondBr(x->builder, LLVMBuildICmp(x->builder, LLVMIntSGT, threads, one, ""), several, after);
    LLVMPositionBuilderAtEnd(x->builder, several);
    share_out(x, &e, threads, others, g);
    several = LLVMGetInsertBlock(x->builder);
    LLVMBuildBr(x->builder, after);
    LLVMPositionBuilderAtEnd(x->builder, after);
    g->vector_block = vector ? block_of(x, g->vector_block, several, vector, alone) : NULL;
    g->row_block = row ? block_of(x, g->row_block, several, row, alone) : NULL;
    if (row) {
        g->row_block = tg_llvm_min64(x->l, g->row_block, tg_llvm_i64(x->l, most_rows(x, s.dot)));
    }
}

bool tg_x86_dot_grid_of(tg_x86 *x, tg_op *phase, tg_x86_dot_grid *g) {
    *g = (tg_x86_dot_grid){0};
    survey s = survey_phase(x, phase);
    if (!s.dot || !s.alone || x->f->block_dependent || x->options->baseline) {
        return false;
    }
    g->vector = s.dot->vector->block ? NULL : s.dot->vector;
    g->row = s.dot->row && !s.dot->row->block ? s.dot->row : NULL;
    return true;
}
