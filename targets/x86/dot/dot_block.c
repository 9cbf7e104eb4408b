/* Block sizes of a grid whose body is one contraction, chosen at launch.
 *
 * Nothing but the panel and the rows being packed lives in scratch then, so blocks may have any size: with one thread one task
 * covers all. With several the runtime weighs what each cut costs (base/sharing.h): columns that are cut are packed once, by the thread that
 * uses them, but with each column block the rows are read or packed again. */
#include "base/abi.h"
#include "targets/x86/dot/dot.h"
#include "targets/x86/memory/memory.h"

enum { PACKED_ROWS = 192, MANY_ROWS = 4096, OUTER_ROWS = 8, TILE_BLOCK = 64, ROW_BLOCK = 48 };
enum { SPEED = 2, AMX_SPEED = 16 /* vectors multiplied and added in a cycle */ };

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

/* Or packed in blocks, or copied part by part, which needs no more memory for more rows. */
static bool rows_in_place(tg_x86 *x, const tg_x86_dot *d) {
    if (tg_x86_dot_slides(x, d)) {
        return true;
    }
    bool columns = tg_x86_dot_is_direct(x, tg_operand(d->op, d->side), d->dtype, d->vector);
    return tg_x86_dot_is_direct(x, tg_operand(d->op, 1 - d->side), d->dtype, NULL) || (!columns && tg_x86_dot_packs_tiles(x, d));
}

/* Memory grows with the rows: packed ones, or the sums between parts of the reduction. */
static int64_t most_rows(tg_x86 *x, const tg_x86_dot *d) {
    tg_value *rows = tg_operand(d->op, 1 - d->side);
    bool unit = d->amx && tg_x86_dot_is_direct(x, rows, rows->type->dtype, d->over[0]); /* bf16 or bytes, packed in blocks at most */
    return unit || rows_in_place(x, d) ? MANY_ROWS : PACKED_ROWS * (int64_t)d->group;
}

bool tg_x86_dot_runs_once(const tg_x86_dot *d) {
    const tg_op *op = d->op->parent->parent->parent;
    while (op->opcode == TG_OP_PAR) {
        op = op->parent->parent->parent;
    }
    return op->opcode == TG_OP_PHASE;
}

static tg_op *phase_of(const tg_axis *a) {
    tg_op *op = a->binder;
    while (op && op->opcode != TG_OP_PHASE) {
        op = op->parent->parent->parent;
    }
    return op;
}

/* Are rows packed in groups though they are a window, and so once for each of its positions? */
static bool packs_windows(tg_x86 *x, const tg_x86_dot *d) {
    return d->group > 1 && !rows_in_place(x, d) && !tg_x86_dot_has_window(x, d, tg_operand(d->op, 1 - d->side));
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
        bool columns = tg_type_has_axis(tg_operand(s.dot->op, s.dot->side)->type, a);
        *limit = columns || packs_windows(x, s.dot) ? 1 : OUTER_ROWS;
    }
    return true;
}

/* Points of the reduction as far as the entry knows them: axes whose extent it does not know count as one. */
static LLVMValueRef points(tg_x86 *x, const tg_x86_dot *d) {
    LLVMValueRef n = tg_llvm_i64(x->l, 1);
    for (uint32_t i = 0; i < d->n_over; i++) {
        const tg_op *binder = d->over[i]->binder;
        if (binder && binder->opcode == TG_OP_AXIS && tg_x86_is_launch_value(tg_operand(binder, 0))) {
            LLVMValueRef extent = tg_x86_launch_value(x, tg_operand(binder, 0));
            n = LLVMBuildMul(x->builder, n, tg_llvm_max64(x->l, extent, tg_llvm_i64(x->l, 1)), "");
        }
    }
    return n;
}

static void set_field(tg_x86 *x, LLVMValueRef product, size_t offset, LLVMValueRef value) {
    tg_llvm_store(x->l, value, tg_llvm_gep(x->l, x->l->i8, product, tg_llvm_i64(x->l, (int64_t)offset)), 8);
}

static LLVMValueRef get_field(tg_x86 *x, LLVMValueRef product, size_t offset) {
    return tg_llvm_load(x->l, x->l->i64, tg_llvm_gep(x->l, x->l->i8, product, tg_llvm_i64(x->l, (int64_t)offset)), 8);
}

static int64_t element_bytes(const tg_x86_dot *d, uint32_t side) {
    return (int64_t)tg_dtype_size(tg_operand(d->op, side)->type->dtype);
}

/* What is known of the product before the launch. */
static void describe_product(tg_x86 *x, const tg_x86_dot *d, tg_product *p) {
    unsigned rows, vecs;
    tg_x86_dot_register_tile(x, d, &rows, &vecs);
    *p = (tg_product){.height = rows,
                      .lanes = x->machine->vector_bits / 8 / (int64_t)tg_dtype_size(d->dtype),
                      .group = d->group,
                      .speed = d->amx ? AMX_SPEED : SPEED,
                      .column_bytes = element_bytes(d, d->side),
                      .row_bytes = element_bytes(d, 1 - d->side),
                      .sum_bytes = (int64_t)tg_dtype_size(d->dtype),
                      .packs_rows = !rows_in_place(x, d) || tg_x86_dot_slides(x, d),
                      .most_rows = most_rows(x, d)};
    p->width = vecs * p->lanes;
}

/* i1: do the rows lie across the reduction, so that they are copied where they are many? Null: not known here. */
static LLVMValueRef is_transposed(tg_x86 *x, const tg_x86_dot *d) {
    const tg_op *load = tg_operand(d->op, 1 - d->side)->def;
    const tg_x86_tensor *t = tg_x86_dot_packs_tiles(x, d) ? x->tensors[tg_operand(load, 0)->id] : NULL;
    LLVMValueRef transposed = NULL;
    for (uint32_t i = 0; t && i < t->rank; i++) {
        if (tg_type_has_axis(tg_op_index(load, i)->type, d->over[0])) {
            transposed = LLVMBuildICmp(x->builder, LLVMIntNE, t->stride[i], tg_llvm_i64(x->l, 1), "");
        }
    }
    return transposed;
}

/* Asks the runtime for blocks, and leaves them in g. */
static void share_out(tg_x86 *x, const tg_x86_dot *d, LLVMValueRef threads, const tg_x86_dot_shape *e, tg_x86_dot_grid *g) {
    enum { FIELDS = sizeof(tg_product) / 8 };
    tg_product known;
    describe_product(x, d, &known);
    LLVMValueRef at = tg_x86_alloca(x, LLVMArrayType2(x->l->i64, FIELDS));
    for (size_t i = 0; i < FIELDS; i++) {
        set_field(x, at, 8 * i, tg_llvm_i64(x->l, ((const int64_t *)&known)[i]));
    }
    set_field(x, at, offsetof(tg_product, columns), e->vector);
    set_field(x, at, offsetof(tg_product, rows), e->row);
    set_field(x, at, offsetof(tg_product, points), points(x, d));
    set_field(x, at, offsetof(tg_product, others), e->others);
    LLVMValueRef transposed = known.packs_rows ? NULL : is_transposed(x, d);
    if (transposed) {
        set_field(x, at, offsetof(tg_product, packs_rows), LLVMBuildZExt(x->builder, transposed, x->l->i64, ""));
    }
    LLVMTypeRef type = LLVMFunctionType(x->l->t_void, (LLVMTypeRef[]){x->l->ptr, x->l->i64}, 2, 0);
    LLVMValueRef fn = tg_llvm_load(x->l, x->l->ptr, tg_llvm_gep(x->l, x->l->i8, x->rt, tg_llvm_i64(x->l, offsetof(tg_rt, share_product))), 8);
    LLVMBuildCall2(x->builder, type, fn, (LLVMValueRef[]){at, threads}, 2, "");
    g->vector_block = get_field(x, at, offsetof(tg_product, column_block));
    g->row_block = get_field(x, at, offsetof(tg_product, row_block));
}

/* The value chosen in the block `several`, or all of the extent in the block `alone`. */
static LLVMValueRef block_of(tg_x86 *x, LLVMValueRef chosen, LLVMBasicBlockRef several, LLVMValueRef extent,
                             LLVMBasicBlockRef alone) {
    LLVMValueRef phi = LLVMBuildPhi(x->builder, x->l->i64, "");
    LLVMAddIncoming(phi, (LLVMValueRef[]){chosen, extent}, (LLVMBasicBlockRef[]){several, alone}, 2);
    return phi;
}

void tg_x86_dot_blocks(tg_x86 *x, tg_op *phase, LLVMValueRef threads, const tg_x86_dot_shape *e, tg_x86_dot_grid *g) {
    LLVMValueRef one = tg_llvm_i64(x->l, 1);
    survey s = survey_phase(x, phase);
    tg_x86_dot_shape whole = {tg_llvm_max64(x->l, e->vector, one), tg_llvm_max64(x->l, e->row, one), tg_llvm_max64(x->l, e->others, one)};
    LLVMValueRef alone_rows = tg_llvm_min64(x->l, whole.row, tg_llvm_i64(x->l, most_rows(x, s.dot)));
    int64_t n_threads;
    if (tg_llvm_is_const(threads, &n_threads) && n_threads <= 1) {
        g->vector_block = whole.vector;
        g->row_block = alone_rows;
        return;
    }
    LLVMBasicBlockRef alone = LLVMGetInsertBlock(x->builder), several = tg_llvm_block(x->l), after = tg_llvm_block(x->l);
    LLVMBuildCondBr(x->builder, LLVMBuildICmp(x->builder, LLVMIntSGT, threads, one, ""), several, after);
    LLVMPositionBuilderAtEnd(x->builder, several);
    share_out(x, s.dot, threads, &whole, g);
    LLVMBuildBr(x->builder, after);
    LLVMPositionBuilderAtEnd(x->builder, after);
    g->vector_block = block_of(x, g->vector_block, several, whole.vector, alone);
    g->row_block = block_of(x, g->row_block, several, alone_rows, alone);
}

bool tg_x86_dot_is_image(tg_x86 *x, const tg_x86_dot *d, const tg_axis *a) {
    const tg_value *v = tg_operand(d->op, 1 - d->side);
    if (a == d->row || a->scheduled || !tg_type_has_axis(v->type, a) || !tg_x86_dot_has_window(x, d, v)) {
        return false;
    }
    for (uint32_t i = 0; i < tg_op_n_indices(v->def); i++) {
        const tg_type *t = tg_op_index(v->def, i)->type;
        if (tg_type_has_axis(t, a) && t->n_axes > 1) {
            return false;
        }
    }
    return true;
}

bool tg_x86_dot_grid_of(tg_x86 *x, tg_op *phase, tg_x86_dot_grid *g) {
    *g = (tg_x86_dot_grid){0};
    survey s = survey_phase(x, phase);
    if (!s.dot || !s.alone || x->f->block_dependent || x->options->baseline) {
        return false;
    }
    g->dot = s.dot;
    g->vector = s.dot->vector->block ? NULL : s.dot->vector;
    g->row = s.dot->row && !s.dot->row->block ? s.dot->row : NULL;
    return true;
}
