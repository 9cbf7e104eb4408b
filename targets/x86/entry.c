/* The host entry of a kernel: i32 entry(ptr rt, ptr args), see base/abi.h.
 *
 * Launch-level code (dimensions, arithmetic, `if`, `for each`, temporaries) is ordinary straight code here. A phase becomes
 * a call of rt->parallel with a frame on the stack: slot 0 is rt, the others are what its task function asked for
 * (tg_x86_captured) while it was emitted. Block sizes are chosen in grid.c.
 *
 * In code for known shapes a phase of one task is called directly; an entry that then needs nothing of rt is called without one. */
#include "base/abi.h"
#include "targets/x86/dot/dot.h"
#include "targets/x86/grid.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"
#include "targets/x86/ops/ops.h"


#include <string.h>

static LLVMValueRef field(tg_x86 *x, LLVMValueRef base, size_t offset) {
    return tg_llvm_gep(x->l, x->l->i8, base, tg_llvm_i64(x->l, (int64_t)offset));
}

static LLVMValueRef load64(tg_x86 *x, LLVMTypeRef type, LLVMValueRef base, size_t offset) {
    return tg_llvm_load(x->l, type, field(x, base, offset), 8);
}

/* ---- arguments ------------------------------------------------------------------------------------------ */

/* `known`: its shape and strides, or null. */
static void unpack_tensor(tg_x86 *x, const tg_fparam *p, LLVMValueRef arg, const tg_tensor_arg *known) {
    const tg_value *v = p->value;
    tg_x86_tensor *t = TG_NEW(x->arena, tg_x86_tensor);
    t->dtype = v->type->dtype;
    t->rank = v->type->rank;
    t->base = load64(x, x->l->ptr, arg, offsetof(tg_tensor_arg, data));
    for (uint32_t d = 0; d < t->rank; d++) {
        uint32_t given = tg_order_dimension(p->order, d);
        if (known) {
            t->dim[d] = tg_llvm_i64(x->l, known->shape[given]);
            t->stride[d] = tg_llvm_i64(x->l, known->stride[given]);
            continue;
        }
        t->dim[d] = load64(x, x->l->i64, arg, offsetof(tg_tensor_arg, shape) + 8 * given);
        t->stride[d] = load64(x, x->l->i64, arg, offsetof(tg_tensor_arg, stride) + 8 * given);
    }
    if (p->step) {
        t->stride[t->rank - 1] = tg_llvm_i64(x->l, 1);
    }
    x->tensors[v->id] = t;
}

static LLVMValueRef unpack_scalar(tg_x86 *x, tg_dtype t, LLVMValueRef arg) {
    if (tg_dtype_is_float(t)) {
        return tg_x86_convert(x, tg_llvm_load(x->l, x->l->f64, arg, 8), TG_F64, t);
    }
    LLVMValueRef v = tg_llvm_load(x->l, x->l->i64, arg, 8);
    if (t == TG_BOOL) {
        return LLVMBuildICmp(x->builder, LLVMIntNE, v, tg_llvm_i64(x->l, 0), "");
    }
    return LLVMBuildIntCast2(x->builder, v, tg_x86_reg_type(x, t), 0, "");
}

static void unpack(tg_x86 *x) {
    LLVMValueRef args = LLVMGetParam(x->fn, 1);
    for (uint32_t i = 0; i < x->f->n_params; i++) {
        const tg_fparam *p = &x->f->params[i];
        if (!p->value) {
            continue;
        }
        LLVMValueRef arg = load64(x, x->l->ptr, args, 8 * i);
        if (p->value->type->kind == TG_TYPE_TENSOR) {
            unpack_tensor(x, p, arg, x->options->tensors ? &x->options->tensors[i] : NULL);
        } else {
            x->scalars[p->value->id] = unpack_scalar(x, p->value->type->dtype, arg);
        }
    }
}

/* ---- temporaries --------------------------------------------------------------------------------------------- */

static void emit_temp(tg_x86 *x, tg_op *op) {
    LLVMBuilderRef b = x->builder;
    tg_value *v = tg_result(op, 0);
    tg_x86_tensor *t = TG_NEW(x->arena, tg_x86_tensor);
    t->dtype = v->type->dtype;
    t->rank = v->type->rank;
    LLVMValueRef n = tg_llvm_i64(x->l, 1);
    for (uint32_t d = t->rank; d-- > 0;) {
        t->stride[d] = n;
        t->dim[d] = tg_llvm_max64(x->l, tg_x86_scalar_of(x, tg_operand(op, d)), tg_llvm_i64(x->l, 0));
        n = LLVMBuildMul(b, n, t->dim[d], "");
    }
    LLVMValueRef bytes = LLVMBuildMul(b, n, tg_llvm_i64(x->l, tg_dtype_bits(t->dtype)), "");
    bytes = LLVMBuildAdd(b, LLVMBuildLShr(b, bytes, tg_llvm_i64(x->l, 3), ""), tg_llvm_i64(x->l, 64), "");
    LLVMTypeRef type = LLVMFunctionType(x->l->ptr, (LLVMTypeRef[]){x->l->ptr, x->l->i64}, 2, 0);
    LLVMValueRef fn = load64(x, x->l->ptr, x->rt, offsetof(tg_rt, workspace));
    t->base = LLVMBuildCall2(b, type, fn, (LLVMValueRef[]){x->rt, bytes}, 2, "");
    LLVMBasicBlockRef ok = tg_llvm_block(x->l);
    LLVMBuildCondBr(b, LLVMBuildIsNull(b, t->base, ""), x->fail, ok);
    LLVMPositionBuilderAtEnd(b, ok);
    x->tensors[v->id] = t;
}

/* ---- phases ------------------------------------------------------------------------------------------------------- */

/* Defined outside phases, or computed from such values alone. */
bool tg_x86_is_launch_value(const tg_value *v) {
    const tg_op *op = v->def;
    const tg_block *b = op ? op->parent : v->block;
    bool inside = false;
    for (const tg_op *p = b->parent->parent; p; p = p->parent->parent->parent) {
        inside |= p->opcode == TG_OP_PHASE;
    }
    if (!inside) {
        return true;
    }
    if (!op || op->n_regions || op->opcode == TG_OP_LOAD || tg_op_info_of(op->opcode)->effect != TG_EFF_NONE ||
        v->type->kind != TG_TYPE_TILE || v->type->n_axes) {
        return false;
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        if (!tg_x86_is_launch_value(tg_operand(op, i))) {
            return false;
        }
    }
    return op->opcode < TG_OP_AXIS_FIRST || op->opcode > TG_OP_AXIS_COUNT;
}

LLVMValueRef tg_x86_launch_value(tg_x86 *x, tg_value *v) {
    if (x->scalars[v->id]) {
        return x->scalars[v->id];
    }
    tg_op *op = v->def;
    bool pure = op && op->n_regions == 0 && op->opcode != TG_OP_LOAD && tg_op_info_of(op->opcode)->effect == TG_EFF_NONE;
    if (!pure) {
        tg_x86_refuse(x, op, "is not known at launch, but bounds a grid");
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        if (tg_operand(op, i)->type->kind == TG_TYPE_TILE) {
            tg_x86_launch_value(x, tg_operand(op, i));
        }
    }
    tg_x86_emit_scalar(x, op);
    return x->scalars[v->id];
}

bool tg_x86_is_known(tg_x86 *x, tg_value *v, int64_t *out) {
    return tg_x86_is_launch_value(v) && tg_llvm_is_const(tg_x86_launch_value(x, v), out);
}

static bool contains_dot(const tg_region *r) {
    for (const tg_op *op = r->body.first; op; op = op->next) {
        if (op->opcode == TG_OP_DOT) {
            return true;
        }
        for (uint32_t i = 0; i < op->n_regions; i++) {
            if (contains_dot(&op->regions[i])) {
                return true;
            }
        }
    }
    return false;
}

/* Who does a phase. */
typedef enum helpers {
    NOBODY,   /* it is better done by one thread */
    AWAKE,    /* other threads if they are awake */
    EVERYBODY
} helpers;

/* Of a product that is cut each part copies its operands: smaller ones are left whole. */
static helpers find_helpers(const tg_x86 *x, const tg_op *phase, int64_t work) {
    if (!x->options->tensors) {
        return EVERYBODY;
    }
    int64_t little = contains_dot(&phase->regions[0]) ? TG_X86_BRIEF_WORK : TG_X86_LITTLE_WORK;
    if (!x->options->two_threads || work <= little) {
        return NOBODY;
    }
    return work <= TG_X86_BRIEF_WORK ? AWAKE : EVERYBODY;
}

static LLVMValueRef load_threads(tg_x86 *x) {
    if (x->options->tensors && !x->options->two_threads) {
        return tg_llvm_i64(x->l, 1);
    }
    LLVMValueRef n = tg_llvm_load(x->l, x->l->i32, field(x, x->rt, offsetof(tg_rt, n_threads)), 4);
    return LLVMBuildSExt(x->builder, n, x->l->i64, "");
}

static LLVMValueRef slot_value(tg_x86 *x, const tg_x86_capture *c, const tg_x86_grid_par *pars, uint32_t n) {
    if (c->kind == TG_X86_SLOT_BLOCK) {
        for (uint32_t i = 0; i < n; i++) {
            if (pars[i].op == c->key) {
                return c->d == 0 ? pars[i].block : c->d == 1 ? pars[i].below : tg_llvm_max64(x->l, pars[i].count, tg_llvm_i64(x->l, 1));
            }
        }
        return NULL;
    }
    const tg_value *v = c->key;
    const tg_x86_tensor *t = x->tensors[v->id];
    switch (c->kind) {
    case TG_X86_SLOT_BASE:
        return t ? t->base : NULL;
    case TG_X86_SLOT_DIM:
        return t ? t->dim[c->d] : NULL;
    case TG_X86_SLOT_STRIDE:
        return t ? t->stride[c->d] : NULL;
    case TG_X86_SLOT_IM:
        return x->scalars_im[v->id];
    case TG_X86_SLOT_SCALAR:
    case TG_X86_SLOT_BLOCK:
        break;
    }
    LLVMValueRef s = x->scalars[v->id];
    return s && v->type->dtype == TG_BOOL ? LLVMBuildZExt(x->builder, s, x->l->i8, "") : s;
}

struct tg_x86_launch {
    const tg_x86 *entry;
    const tg_x86_grid_par *pars;
    uint32_t n_pars;
    bool single;
};

bool tg_x86_is_single_task(const tg_x86 *x) {
    return x->launch && x->launch->single;
}

/* What a slot is made of, before code that turns it into what the frame holds. */
static LLVMValueRef slot_source(const tg_x86_launch *at, tg_x86_slot kind, const void *key, uint32_t d) {
    const tg_value *v = key;
    if (kind == TG_X86_SLOT_SCALAR) {
        return at->entry->scalars[v->id];
    }
    for (uint32_t i = 0; i < at->n_pars && kind == TG_X86_SLOT_BLOCK; i++) {
        const tg_x86_grid_par *p = &at->pars[i];
        if (p->op == key) {
            return d == 0 ? p->block : d == 1 ? p->below : p->count;
        }
    }
    const tg_x86_tensor *t = kind == TG_X86_SLOT_DIM || kind == TG_X86_SLOT_STRIDE ? at->entry->tensors[v->id] : NULL;
    return t ? (kind == TG_X86_SLOT_DIM ? t->dim[d] : t->stride[d]) : NULL;
}

LLVMValueRef tg_x86_launch_constant(const tg_x86 *x, tg_x86_slot kind, const void *key, uint32_t d) {
    LLVMValueRef s = x->launch ? slot_source(x->launch, kind, key, d) : NULL;
    int64_t n;
    if (kind == TG_X86_SLOT_BLOCK && d == 2 && s && tg_llvm_is_const(s, &n) && n < 1) {
        return tg_llvm_i64(x->l, 1); /* numbers of tasks are divided by it */
    }
    return s && LLVMIsAConstant(s) ? s : NULL;
}

static LLVMValueRef build_frame(tg_x86 *x, tg_op *phase, const tg_x86_captures *c, const tg_x86_grid_par *pars, uint32_t n, bool with_rt) {
    LLVMValueRef frame = tg_x86_alloca(x, LLVMArrayType2(x->l->i64, c->list.len + 1));
    if (with_rt) {
        tg_llvm_store(x->l, x->rt, frame, 8);
    }
    for (uint32_t i = 0; i < c->list.len; i++) {
        LLVMValueRef v = slot_value(x, &c->list.data[i], pars, n);
        if (!v) {
            tg_x86_refuse(x, phase, "uses a value that is not known at launch");
        }
        tg_llvm_store(x->l, v, field(x, frame, 8 * ((size_t)i + 1)), 8);
    }
    return frame;
}

/* The task functions of a phase, and what they need at run time. */
typedef struct task_grid {
    const tg_x86_grid_par *pars;
    uint32_t n;
    bool single; /* one task for certain */
    helpers helpers;
    tg_x86_apart apart;
    tg_x86_captures captures;
    int64_t scratch_bytes;
    bool uses_scratch, uses_alloc, uses_rt;
} task_grid;

/* Is a value used by more than addresses that nothing uses? */
static bool is_used(LLVMValueRef v) {
    for (LLVMUseRef u = LLVMGetFirstUse(v); u; u = LLVMGetNextUse(u)) {
        LLVMValueRef user = LLVMGetUser(u);
        if (!LLVMIsAGetElementPtrInst(user) || LLVMGetFirstUse(user)) {
            return true;
        }
    }
    return false;
}

/* Emits a task function with its own state; what it captured is added to the list. */
static LLVMValueRef emit_variant(tg_x86 *x, tg_op *phase, task_grid *g, bool unit) {
    tg_x86 saved = *x;
    tg_x86_launch launch = {&saved, g->pars, g->n, g->single};
    void *scope = tg_x86_debug_scope(x), *location = tg_x86_debug_enter(x, phase);
    LLVMBasicBlockRef here = LLVMGetInsertBlock(x->builder);
    x->in_task = true;
    x->launch = &launch;
    x->unit = unit;
    x->captures = &g->captures;
    x->scratch_bytes = 64; /* transposed reads may begin a few elements early */
    x->panels_apart = false;
    LLVMValueRef fn = tg_x86_emit_task(x, phase, unit ? "" : "_general");
    bool rare = !unit && !x->options->baseline && x->options->strides != TG_STRIDES_GENERAL && !contains_dot(&phase->regions[0]);
    if (x->panels_apart && tg_llvm_only_steers(fn)) {
        tg_x86_mark_steering(x, fn);
    } else if (rare) {
        tg_x86_mark_cold(x, fn);
    }
    g->scratch_bytes = x->scratch_bytes > g->scratch_bytes ? x->scratch_bytes : g->scratch_bytes;
    g->uses_scratch |= is_used(x->scratch);
    g->uses_alloc |= x->uses_alloc;
    g->uses_rt |= is_used(x->rt);
    tg_x86 after = *x;
    *x = saved;
    x->unit_tensors.data = after.unit_tensors.data;
    x->unit_tensors.len = after.unit_tensors.len;
    x->unit_tensors.cap = after.unit_tensors.cap;
    x->bound_checks.data = after.bound_checks.data;
    x->bound_checks.len = after.bound_checks.len;
    x->bound_checks.cap = after.bound_checks.cap;
    x->packed_tensors.data = after.packed_tensors.data;
    x->packed_tensors.len = after.packed_tensors.len;
    x->packed_tensors.cap = after.packed_tensors.cap;
    x->cold.data = after.cold.data;
    x->cold.len = after.cold.len;
    x->cold.cap = after.cold.cap;
    x->packing = after.packing;
    x->few_rows = after.few_rows;
    x->plan_text = after.plan_text;
    x->n_tasks_emitted = after.n_tasks_emitted;
    tg_x86_debug_return(x, scope, location);
    LLVMPositionBuilderAtEnd(x->builder, here);
    return fn;
}

/* No gap between dimension d and the next, which can be counted as one. */
static LLVMValueRef is_joined(tg_x86 *x, const tg_x86_tensor *t, uint32_t d) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef row = LLVMBuildMul(b, t->dim[d + 1], t->stride[d + 1], "");
    LLVMValueRef tiny = LLVMBuildICmp(b, LLVMIntSLE, t->dim[d], tg_llvm_i64(x->l, 1), "");
    return LLVMBuildOr(b, LLVMBuildICmp(b, LLVMIntEQ, t->stride[d], row, ""), tiny, "");
}

static LLVMValueRef is_packed(tg_x86 *x, const tg_x86_packed_check *c) {
    LLVMBuilderRef b = x->builder;
    const tg_x86_tensor *t = x->tensors[c->tensor->id];
    LLVMValueRef packed = LLVMBuildICmp(b, LLVMIntEQ, t->stride[c->d], tg_llvm_i64(x->l, c->stride), "");
    return LLVMBuildOr(b, packed, LLVMBuildICmp(b, LLVMIntSLE, t->dim[c->d], tg_llvm_i64(x->l, 1), ""), "");
}

/* Do the tensors have the strides and lengths that the fast variant takes for granted? */
static LLVMValueRef unit_test(tg_x86 *x) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef ok = LLVMConstInt(x->l->i1, 1, 0), one = tg_llvm_i64(x->l, 1);
    for (uint32_t i = 0; i < x->unit_tensors.len; i++) {
        tg_value *v = x->unit_tensors.data[i];
        const tg_x86_tensor *t = x->tensors[v->id];
        if (!t) {
            tg_x86_refuse(x, v->def, "is a tensor made inside a phase, whose strides are not known at launch");
        }
        uint32_t last = t->rank - 1;
        LLVMValueRef unit = LLVMBuildICmp(b, LLVMIntEQ, t->stride[last], one, "");
        LLVMValueRef tiny = LLVMBuildICmp(b, LLVMIntSLE, t->dim[last], one, "");
        ok = LLVMBuildAnd(b, ok, LLVMBuildOr(b, unit, tiny, ""), "");
    }
    for (uint32_t i = 0; i < x->f->n_params; i++) {
        const tg_fparam *p = &x->f->params[i];
        for (uint32_t d = 0; p->dense >> d; d++) {
            if (p->dense >> d & 1) {
                ok = LLVMBuildAnd(b, ok, is_joined(x, x->tensors[p->value->id], d), "");
            }
        }
    }
    for (uint32_t i = 0; i < x->bound_checks.len; i++) {
        const tg_x86_bound_check *c = &x->bound_checks.data[i];
        LLVMValueRef dim = x->tensors[c->tensor->id]->dim[c->d];
        ok = LLVMBuildAnd(b, ok, LLVMBuildICmp(b, LLVMIntSGE, dim, tg_x86_launch_value(x, c->extent), ""), "");
    }
    for (uint32_t i = 0; i < x->packed_tensors.len; i++) {
        ok = LLVMBuildAnd(b, ok, is_packed(x, &x->packed_tensors.data[i]), "");
    }
    return ok;
}

static void count_phase(tg_op *op, void *user) {
    const char *name = op->opcode == TG_OP_PHASE ? tg_op_str(op, TG_ATTR_NAME) : NULL;
    *(int *)user += op->opcode == TG_OP_PHASE && !(name && strcmp(name, tg_x86_fill_phase) == 0);
}

/* Can the entry still step back at this phase? Yes if it is the kernel's only one, run once: fills may be repeated. */
static bool may_step_back(tg_x86 *x, const tg_op *phase) {
    int n = 0;
    tg_ir_walk(x->f, count_phase, &n);
    return x->options->strides == TG_STRIDES_USUAL && n <= 1 && phase->parent == &x->f->body.body;
}

static void step_back_unless(tg_x86 *x, LLVMValueRef test) {
    LLVMBasicBlockRef back = tg_llvm_block(x->l), go = tg_llvm_block(x->l);
    LLVMBuildCondBr(x->builder, test, go, back);
    LLVMPositionBuilderAtEnd(x->builder, back);
    LLVMBuildRet(x->builder, tg_llvm_i32(x->l, TG_ENTRY_NEEDS_GENERAL));
    LLVMPositionBuilderAtEnd(x->builder, go);
}

/* A task function for these strides. */
static LLVMValueRef emit_task(tg_x86 *x, tg_op *phase, task_grid *g) {
    if (x->options->baseline || x->options->strides == TG_STRIDES_GENERAL) {
        return emit_variant(x, phase, g, false);
    }
    x->unit_tensors.len = 0;
    x->bound_checks.len = 0;
    x->packed_tensors.len = 0;
    LLVMValueRef fast = emit_variant(x, phase, g, true);
    LLVMValueRef test = unit_test(x);
    int64_t always;
    if (tg_llvm_is_const(test, &always) && always) {
        return fast;
    }
    if (may_step_back(x, phase)) {
        step_back_unless(x, test);
        return fast;
    }
    return LLVMBuildSelect(x->builder, test, fast, emit_variant(x, phase, g, false), "");
}

/* Two forms if the phase has atomic operations that need not be such where its instances are `apart`; *n_tasks: the instances, or the
 * groups of them that are tasks then. */
static LLVMValueRef emit_tasks(tg_x86 *x, tg_op *phase, task_grid *g, LLVMValueRef *n_tasks) {
    int64_t always = 0;
    LLVMValueRef apart = g->apart.may ? tg_x86_is_apart(x, &g->apart, load_threads(x), *n_tasks) : tg_llvm_int(x->l->i1, 0);
    bool known = tg_llvm_is_const(apart, &always);
    LLVMValueRef plain = NULL, locked = NULL;
    if (!known || always) {
        x->alone = true;
        x->group = g->apart.by ? g->apart.by->op : NULL;
        plain = emit_task(x, phase, g);
        x->alone = false;
        x->group = NULL;
        *n_tasks = g->apart.by ? LLVMBuildSelect(x->builder, apart, g->apart.by->count, *n_tasks, "") : *n_tasks;
    }
    if (!known || !always) {
        locked = emit_task(x, phase, g);
    }
    return !locked ? plain : !plain ? locked : LLVMBuildSelect(x->builder, apart, plain, locked, "");
}

/* A worker for tasks that this thread runs at once, with its scratch on the stack. */
static LLVMValueRef worker_on_stack(tg_x86 *x, const task_grid *g) {
    if (!g->uses_scratch) {
        return LLVMConstNull(x->l->ptr);
    }
    LLVMValueRef worker = tg_x86_alloca(x, LLVMArrayType2(x->l->i64, sizeof(tg_worker) / 8));
    LLVMValueRef scratch = tg_x86_alloca(x, LLVMArrayType2(x->l->i8, (uint64_t)g->scratch_bytes));
    LLVMSetAlignment(scratch, 64);
    tg_llvm_store(x->l, scratch, field(x, worker, offsetof(tg_worker, scratch)), 8);
    return worker;
}

/* Do tasks of one thread need nothing that only the pool has? */
static bool runs_here(const task_grid *g) {
    enum { MOST_STACK = 16 << 10 };
    return (g->single || g->helpers == NOBODY) && !g->uses_alloc && g->scratch_bytes <= MOST_STACK;
}

static bool is_cold(const tg_x86 *x, LLVMValueRef fn) {
    bool found = false;
    for (uint32_t i = 0; i < x->cold.len; i++) {
        found = found || x->cold.data[i] == fn;
    }
    return found;
}

static LLVMValueRef run_here(tg_x86 *x, const task_grid *g, LLVMValueRef task, LLVMValueRef frame, LLVMValueRef total) {
    static const char always[] = "alwaysinline";
    unsigned kind = LLVMGetEnumAttributeKindForName(always, sizeof always - 1);
    if (LLVMIsAFunction(task) && !is_cold(x, task)) {
        LLVMAddAttributeAtIndex(task, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(x->l->context, kind, 0));
        x->inlines = true;
    }
    LLVMTypeRef params[] = {x->l->ptr, x->l->i64, x->l->i64, x->l->ptr};
    LLVMTypeRef type = LLVMFunctionType(x->l->i32, params, 4, 0);
    LLVMValueRef args[] = {frame, tg_llvm_i64(x->l, 0), total, worker_on_stack(x, g)};
    return LLVMBuildCall2(x->builder, type, task, args, 4, "");
}

static int64_t frame_bytes(const task_grid *g) {
    return 8 * ((int64_t)g->captures.list.len + 1);
}

static LLVMValueRef run_in_pool(tg_x86 *x, const task_grid *g, LLVMValueRef task, LLVMValueRef frame, LLVMValueRef total) {
    bool awake = g->helpers == AWAKE;
    unsigned n = awake ? 6 : 5;
    LLVMTypeRef params[] = {x->l->ptr, x->l->ptr, x->l->ptr, x->l->i64, x->l->i64, x->l->i64};
    LLVMTypeRef type = LLVMFunctionType(x->l->i32, params, n, 0);
    LLVMValueRef fn = load64(x, x->l->ptr, x->rt, awake ? offsetof(tg_rt, parallel_awake) : offsetof(tg_rt, parallel));
    LLVMValueRef args[] = {x->rt, task, frame, total, tg_llvm_i64(x->l, g->scratch_bytes), tg_llvm_i64(x->l, frame_bytes(g))};
    return LLVMBuildCall2(x->builder, type, fn, args, n, "");
}

static void emit_phase(tg_x86 *x, tg_op *phase) {
    LLVMBuilderRef b = x->builder;
    tg_x86_grid_par pars[TG_X86_MAX_PARS];
    task_grid g = {.pars = pars, .n = tg_x86_collect_pars(phase, pars)};
    tg_x86_find_apart(x, phase, pars, g.n, &g.apart);
    int64_t work = x->options->tensors ? tg_x86_count_work(x, phase) : INT64_MAX;
    g.helpers = find_helpers(x, phase, work);
    LLVMValueRef threads = g.helpers == NOBODY ? tg_llvm_i64(x->l, 1) : load_threads(x);
    LLVMValueRef total = tg_x86_size_grid(x, phase, pars, g.n, threads, g.helpers == AWAKE ? 2 * work / TG_X86_LITTLE_WORK : 0, &g.apart);
    int64_t count;
    g.single = x->options->tensors && tg_llvm_is_const(total, &count) && count == 1;
    LLVMValueRef task = emit_tasks(x, phase, &g, &total);
    bool here = runs_here(&g);
    LLVMValueRef frame = build_frame(x, phase, &g.captures, pars, g.n, !here || g.uses_rt);
    LLVMValueRef status = here ? run_here(x, &g, task, frame, total) : run_in_pool(x, &g, task, frame, total);
    LLVMBasicBlockRef bad = tg_llvm_block(x->l), ok = tg_llvm_block(x->l);
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntNE, status, tg_llvm_i32(x->l, 0), ""), bad, ok);
    LLVMPositionBuilderAtEnd(b, bad);
    LLVMBuildRet(b, status);
    LLVMPositionBuilderAtEnd(b, ok);
}

void tg_x86_emit_launch(tg_x86 *x, tg_op *op) {
    if (op->opcode == TG_OP_TEMP) {
        emit_temp(x, op);
    } else {
        emit_phase(x, op);
    }
}

/* ---- the function --------------------------------------------------------------------------------------------------------- */

void tg_x86_emit_entry(tg_x86 *x) {
    tg_llvm *l = x->l;
    LLVMTypeRef params[] = {l->ptr, l->ptr};
    x->fn = LLVMAddFunction(l->module, x->entry_name, LLVMFunctionType(l->i32, params, 2, 0));
    tg_x86_function_attributes(x, x->fn);
    tg_x86_debug_function(x, x->fn, x->f->body.body.first);
    x->allocas = LLVMAppendBasicBlockInContext(l->context, x->fn, "");
    x->fail = LLVMAppendBasicBlockInContext(l->context, x->fn, "");
    tg_x86_place place = {LLVMAppendBasicBlockInContext(l->context, x->fn, "")};
    LLVMBasicBlockRef start = place.at;
    LLVMPositionBuilderAtEnd(l->builder, x->fail);
    LLVMBuildRet(l->builder, tg_llvm_i32(l, TG_ERROR_OUT_OF_MEMORY));
    LLVMPositionBuilderAtEnd(l->builder, start);
    x->place = &place;
    x->root = tg_x86_frame_create(x, NULL, &place);
    x->rt = LLVMGetParam(x->fn, 0);
    x->lanes = 1;
    unpack(x);
    tg_x86_check_packed(x);
    tg_x86_plan(x, &x->f->body);
    tg_x86_emit_block(x, &x->f->body.body);
    LLVMBuildRet(l->builder, tg_llvm_i32(l, TG_OK));
    LLVMPositionBuilderAtEnd(l->builder, x->allocas);
    LLVMBuildBr(l->builder, start);
    x->plain = !LLVMGetFirstUse(x->rt);
    if (!x->inlines) {
        tg_x86_mark_steering(x, x->fn);
    }
}
