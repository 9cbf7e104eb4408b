/* From IR values to forms: 64-bit index arithmetic is taken apart, everything else becomes an atom that knows the
 * variables it depends on. */
#include "dsl/parser/check_form.h"

#include <string.h>

const tg_axis *tg_check_root(const tg_axis *a) {
    while (a->like) {
        a = a->like;
    }
    return a;
}

const char *tg_check_var_name(const tg_check *c, uint32_t var) {
    const tg_var *v = &c->vars.data[var];
    const char *name = v->axis ? v->axis->name : v->each ? v->each->name : NULL;
    return name ? name : "?";
}

/* ---- atoms ---------------------------------------------------------------------------------------------------- */

static tg_form atom(tg_check *c, const tg_atom *a) {
    return tg_form_atom(c, tg_atom_intern(c, a));
}

static tg_form opaque(tg_check *c, const tg_value *v, tg_vars deps) {
    return atom(c, &(tg_atom){.kind = TG_ATOM_VALUE, .value = v, .deps = deps});
}

static tg_form launch_dim(tg_check *c, uint32_t dim) {
    return atom(
        c, &(tg_atom){
               .kind = TG_ATOM_LAUNCH, .dim = dim + 1, .nonneg = true, .deps = tg_vars_new(c)});
}

/* A scalar parameter. Constants that are still unknown are taken to be positive: every instance is checked again. */
static tg_form launch_param(tg_check *c, uint32_t i) {
    const tg_fparam *p = &c->func->params[i];
    bool constant = c->sig && i < c->sig->n_params && c->sig->params[i].is_const;
    bool is_unsigned =
        tg_dtype_kind_of(p->dtype) == TG_KIND_UINT && tg_dtype_bits(p->dtype) < 64;
    return atom(c, &(tg_atom){.kind = TG_ATOM_LAUNCH,
                              .op = i + 1,
                              .value = p->value,
                              .nonneg = constant || is_unsigned,
                              .deps = tg_vars_new(c)});
}

static int32_t param_of(const tg_check *c, const tg_value *v) {
    for (uint32_t i = 0; i < c->func->n_params; i++) {
        if (c->func->params[i].value == v) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* The variables a value depends on, whatever it is. */
static tg_vars deps_of(tg_check *c, const tg_value *v);

static void join_operands(tg_check *c, const tg_op *op, tg_vars out) {
    for (uint32_t i = 0; i < op->n_operands; i++) {
        if (tg_operand(op, i)->type->kind == TG_TYPE_TILE) {
            tg_vars_join(c, out, deps_of(c, tg_operand(op, i)));
        }
    }
}

static void join_yields(tg_check *c, const tg_op *op, uint32_t result, tg_vars out) {
    for (uint32_t r = 0; r < op->n_regions; r++) {
        const tg_op *yield = op->regions[r].body.last;
        if (yield && yield->opcode == TG_OP_YIELD && result < yield->n_operands) {
            tg_vars_join(c, out, deps_of(c, tg_operand(yield, result)));
        }
    }
}

/* Axes that an operation removes: the values of full axes are the same in every instance, blocks are not. */
static void drop_axes(tg_check *c, const tg_op *op, tg_attr_key key, tg_vars out) {
    const tg_attr *a = tg_op_attr(op, key);
    for (uint32_t i = 0; a && i < a->n_axes; i++) {
        uint32_t rank = a->axes[i]->rank;
        tg_vars_remove(out, c->index_var[rank]);
        if (c->block_var[rank] != UINT32_MAX) {
            tg_vars_add(out, c->block_var[rank]);
        }
    }
}

static tg_vars deps_of_op(tg_check *c, const tg_value *v) {
    const tg_op *op = v->def;
    tg_vars out = tg_vars_new(c);
    switch ((int)op->opcode) {
    case TG_OP_FOR:
    case TG_OP_WHILE:
    case TG_OP_ATOMIC:
    case TG_OP_CAS:
        tg_vars_join(c, out, c->every);
        for (uint32_t i = 0; i < v->type->n_axes; i++) {
            tg_vars_add(out, c->index_var[v->type->axes[i]->rank]);
        }
        return out;
    case TG_OP_IF:
        join_operands(c, op, out);
        join_yields(c, op, v->index, out);
        return out;
    case TG_OP_REINDEX:
        tg_vars_join(c, out, deps_of(c, tg_operand(op, 0)));
        drop_axes(c, op, TG_ATTR_AXES, out);
        for (uint32_t i = 1; i < op->n_operands; i++) {
            tg_vars_join(c, out, deps_of(c, tg_operand(op, i)));
        }
        return out;
    default:
        join_operands(c, op, out);
        drop_axes(c, op, TG_ATTR_OVER, out);
        if (op->opcode == TG_OP_LOAD && tg_map_has(c->written, tg_operand(op, 0))) {
            tg_vars_join(c, out, c->every);
        }
        return out;
    }
}

static tg_vars deps_of(tg_check *c, const tg_value *v) {
    tg_vars out = tg_vars_new(c);
    if (v->type->kind != TG_TYPE_TILE) {
        return out;
    }
    tg_form_deps(c, tg_check_form(c, v), out);
    return out;
}

/* ---- quotients -------------------------------------------------------------------------------------------------- */

/* f = k · multiple + rest; true if the multiple is not 0 */
static bool split_multiple(const tg_check *c, tg_form f, int64_t k, tg_form *multiple,
                           tg_form *rest) {
    *multiple = tg_form_int(c, 0);
    *rest = f;
    for (uint32_t i = 0; i < f.n; i++) {
        tg_form_term t = f.terms[i];
        int64_t q = t.factor / k - (t.factor % k != 0 && t.factor < 0 ? 1 : 0);
        if (t.n != 0 && t.factor % k != 0) {
            continue;
        }
        t.factor = q;
        tg_form part = {q != 0, &t}, taken;
        if (!tg_form_add(c, *multiple, part, 1, multiple) ||
            !tg_form_add(c, *rest, part, -k, &taken)) {
            return false;
        }
        *rest = taken;
    }
    return multiple->n > 0;
}

/* As above for a symbolic divisor that is one monomial. */
static bool split_symbolic(const tg_check *c, tg_form f, tg_form q, tg_form *multiple,
                           tg_form *rest) {
    *multiple = tg_form_int(c, 0);
    *rest = f;
    for (uint32_t i = 0; q.n == 1 && i < f.n; i++) {
        tg_form_term part = {.factor = f.terms[i].factor / q.terms[0].factor};
        uint32_t k = 0;
        for (uint32_t j = 0; j < f.terms[i].n; j++) {
            if (k < q.terms[0].n && q.terms[0].atoms[k] == f.terms[i].atoms[j]) {
                k++;
            } else {
                part.atoms[part.n++] = f.terms[i].atoms[j];
            }
        }
        tg_form one = {1, &part}, whole = {1, &f.terms[i]};
        if (k == q.terms[0].n && f.terms[i].factor % q.terms[0].factor == 0) {
            if (!tg_form_add(c, *multiple, one, 1, multiple) ||
                !tg_form_add(c, *rest, whole, -1, rest)) {
                return false;
            }
        }
    }
    return multiple->n > 0;
}

static tg_form quotient_atom(tg_check *c, tg_atom_kind kind, tg_form p, tg_form q) {
    tg_form forms[2] = {p, q}, less;
    tg_vars deps = tg_vars_new(c);
    tg_form_deps(c, p, deps);
    tg_form_deps(c, q, deps);
    bool positive = tg_form_add(c, q, tg_form_int(c, 1), -1, &less) && tg_form_nonneg(c, less);
    bool nonneg = (positive && kind == TG_ATOM_REM) || (tg_form_nonneg(c, p) && tg_form_nonneg(c, q)); /* p / 0 is 0, p % 0 is p */
    return atom(
        c, &(tg_atom){.kind = kind,
                      .forms = TG_COPY_ARRAY(c->arena, tg_form, forms, 2),
                      .n_forms = 2,
                      .deps = deps,
                      .nonneg = nonneg});
}

/* p = q·multiple + rest where that is possible; gives the quotient or the remainder */
static tg_form divide(tg_check *c, tg_form p, tg_form q, bool remainder) {
    int64_t k, pk;
    bool constant = tg_form_constant(q, &k);
    tg_form zero = tg_form_int(c, 0), multiple = zero, rest = p, less, sum;
    if (constant && k == 0) {
        return remainder ? p : zero;
    }
    bool positive =
        constant ? k > 0
                 : tg_form_add(c, q, tg_form_int(c, 1), -1, &less) && tg_form_nonneg(c, less);
    if (!positive) {
        return quotient_atom(c, remainder ? TG_ATOM_REM : TG_ATOM_DIV, p, q);
    }
    bool split = constant ? split_multiple(c, p, k, &multiple, &rest)
                          : split_symbolic(c, p, q, &multiple, &rest);
    if (!split) {
        multiple = zero;
        rest = p;
    }
    bool small = (constant && tg_form_constant(rest, &pk) && pk >= 0 && pk < k) ||
                 rest.n == 0 || tg_form_within(c, rest, q);
    tg_form raised, lowered; /* -q <= rest < 0: one less, and q more */
    if (!small && tg_form_add(c, rest, q, 1, &raised) &&
        tg_form_add(c, multiple, tg_form_int(c, 1), -1, &lowered) &&
        tg_form_within(c, raised, q)) {
        return remainder ? raised : lowered;
    }
    if (remainder) {
        return small ? rest : quotient_atom(c, TG_ATOM_REM, rest, q);
    }
    if (small) {
        return multiple;
    }
    tg_form inner = quotient_atom(c, TG_ATOM_DIV, rest, q);
    return tg_form_add(c, multiple, inner, 1, &sum) ? sum : quotient_atom(c, TG_ATOM_DIV, p, q);
}

tg_form tg_form_div(tg_check *c, tg_form p, tg_form q) {
    return divide(c, p, q, false);
}

tg_form tg_form_rem(tg_check *c, tg_form p, tg_form q) {
    return divide(c, p, q, true);
}

/* ---- operations --------------------------------------------------------------------------------------------------- */

static uint32_t op_key(const tg_op *op) {
    uint32_t key = (uint32_t)op->opcode;
    return op->opcode == TG_OP_CMP ? key + 1000 * (uint32_t)tg_op_enum(op, TG_ATTR_PRED, TG_EQ)
                                   : key;
}

static bool all_nonneg(tg_check *c, const tg_form *forms, uint32_t n, bool any) {
    for (uint32_t i = 0; i < n; i++) {
        if (tg_form_nonneg(c, forms[i]) == any) {
            return any;
        }
    }
    return !any;
}

/* Operation on forms: equal operations on equal operands are equal. */
static tg_form operation(tg_check *c, const tg_value *v) {
    const tg_op *op = v->def;
    tg_form *forms = TG_NEW_ARRAY(c->arena, tg_form, op->n_operands);
    tg_vars deps = tg_vars_new(c);
    for (uint32_t i = 0; i < op->n_operands; i++) {
        forms[i] = tg_check_form(c, tg_operand(op, i));
        tg_form_deps(c, forms[i], deps);
    }
    bool nonneg = op->opcode == TG_OP_MIN ? all_nonneg(c, forms, op->n_operands, false)
                  : op->opcode == TG_OP_MAX
                      ? all_nonneg(c, forms, op->n_operands, true)
                      : op->opcode == TG_OP_SELECT && tg_form_nonneg(c, forms[1]) &&
                            tg_form_nonneg(c, forms[2]);
    return atom(c, &(tg_atom){.kind = TG_ATOM_OP,
                              .op = op_key(op),
                              .dtype = v->type->dtype,
                              .forms = forms,
                              .n_forms = op->n_operands,
                              .deps = deps,
                              .nonneg = nonneg});
}

static tg_form element(tg_check *c, const tg_value *v) {
    const tg_op *op = v->def;
    if (tg_op_else(op) || tg_map_has(c->written, tg_operand(op, 0))) {
        return opaque(c, v, deps_of_op(c, v));
    }
    uint32_t n = tg_op_n_indices(op);
    tg_form *forms = TG_NEW_ARRAY(c->arena, tg_form, n);
    tg_vars deps = tg_vars_new(c);
    for (uint32_t d = 0; d < n; d++) {
        forms[d] = tg_check_form(c, tg_op_index(op, d));
        tg_form_deps(c, forms[d], deps);
    }
    return atom(c, &(tg_atom){.kind = TG_ATOM_LOAD,
                              .value = tg_operand(op, 0),
                              .forms = forms,
                              .n_forms = n,
                              .deps = deps});
}

static tg_form attribute(tg_check *c, tg_atom_kind kind, const tg_op *op) {
    const tg_axis *root = tg_check_root(tg_op_axis(op, TG_ATTR_AXIS));
    uint32_t block = c->block_var[root->rank];
    tg_vars deps = tg_vars_new(c);
    if (block != UINT32_MAX) {
        tg_vars_add(deps, block);
    }
    tg_check_domain d;
    if (tg_check_domain_of(c, c->index_var[root->rank], &d)) {
        tg_form_deps(c, d.from, deps);
        tg_form_deps(c, d.until, deps);
    }
    return atom(c, &(tg_atom){.kind = kind, .axis = root, .nonneg = true, .deps = deps});
}

static tg_form arithmetic(tg_check *c, const tg_value *v) {
    const tg_op *op = v->def;
    tg_form x = tg_check_form(c, tg_operand(op, 0)), y, out;
    if (op->opcode == TG_OP_NEG) {
        return tg_form_add(c, tg_form_int(c, 0), x, -1, &out) ? out
                                                              : opaque(c, v, deps_of_op(c, v));
    }
    y = tg_check_form(c, tg_operand(op, 1));
    int64_t k;
    bool good = false;
    switch ((int)op->opcode) {
    case TG_OP_ADD:
        good = tg_form_add(c, x, y, 1, &out);
        break;
    case TG_OP_SUB:
        good = tg_form_add(c, x, y, -1, &out);
        break;
    case TG_OP_MUL:
        good = tg_form_mul(c, x, y, &out);
        break;
    case TG_OP_SHL:
        good = tg_form_constant(y, &k) && k >= 0 && k < 62 &&
               tg_form_mul(c, x, tg_form_int(c, INT64_C(1) << k), &out);
        break;
    case TG_OP_DIV:
        return divide(c, x, y, false);
    case TG_OP_REM:
        return divide(c, x, y, true);
    default:
        break;
    }
    return good ? out : operation(c, v);
}

/* clang-format off */
static tg_form form_of_op(tg_check *c, const tg_value *v) {
    const tg_op *op = v->def;
    bool index_type = v->type->dtype == TG_I64;
    int64_t k;
    switch ((int)op->opcode) {
    case TG_OP_CONST:
        return tg_value_const_int(v, &k) ? tg_form_int(c, k) : opaque(c, v, tg_vars_new(c));
    case TG_OP_IOTA: {
        const tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
        tg_atom index = {.kind = TG_ATOM_INDEX, .axis = a, .nonneg = true, .deps = tg_vars_new(c)};
        tg_vars_add(index.deps, c->index_var[a->rank]);
        return atom(c, &index);
    }
    case TG_OP_AXIS_FIRST: return attribute(c, TG_ATOM_FIRST, op);
    case TG_OP_AXIS_SIZE: return attribute(c, TG_ATOM_SIZE, op);
    case TG_OP_AXIS_BLOCK: return attribute(c, TG_ATOM_BLOCK, op);
    case TG_OP_AXIS_COUNT: return attribute(c, TG_ATOM_COUNT, op);
    case TG_OP_ADD: case TG_OP_SUB: case TG_OP_MUL: case TG_OP_NEG: case TG_OP_DIV: case TG_OP_REM: case TG_OP_SHL:
        return index_type ? arithmetic(c, v) : operation(c, v);
    case TG_OP_DIM:
        return tg_check_dim(c, tg_operand(op, 0), (uint32_t)tg_op_int(op, TG_ATTR_D, 0));
    case TG_OP_BROADCAST:
        return tg_check_form(c, tg_operand(op, 0));
    case TG_OP_CAST: { /* widening keeps the value */
        tg_dtype from = tg_operand(op, 0)->type->dtype;
        bool widens = tg_dtype_is_int(from) && tg_dtype_is_int(v->type->dtype) && tg_dtype_converts_implicitly(from, v->type->dtype);
        return widens ? tg_check_form(c, tg_operand(op, 0)) : operation(c, v);
    }
    case TG_OP_LOAD:
        return element(c, v);
    default:
        return tg_op_is_elementwise(op->opcode) ? operation(c, v) : opaque(c, v, deps_of_op(c, v));
    }
}

/* clang-format on */
static tg_form form_of_argument(tg_check *c, const tg_value *v) {
    uintptr_t each = (uintptr_t)tg_map_get(c->each_vars, v);
    tg_vars deps = tg_vars_new(c);
    if (each) {
        tg_vars_add(deps, (uint32_t)each - 1);
        return atom(c,
                    &(tg_atom){.kind = TG_ATOM_EACH, .value = v, .nonneg = true, .deps = deps});
    }
    if (!v->block->parent->parent) { /* parameter of the function */
        int32_t i = param_of(c, v);
        return i >= 0 ? launch_param(c, (uint32_t)i) : opaque(c, v, deps);
    }
    tg_vars_join(c, deps, c->every);
    for (uint32_t i = 0; i < v->type->n_axes; i++) {
        tg_vars_add(deps, c->index_var[v->type->axes[i]->rank]);
    }
    return opaque(c, v, deps);
}

tg_form tg_check_form(tg_check *c, const tg_value *v) {
    const tg_form *known = tg_map_get(c->memo, v);
    if (known) {
        return *known;
    }
    tg_form *f = TG_NEW(c->arena, tg_form);
    *f = v->type->kind != TG_TYPE_TILE ? opaque(c, v, tg_vars_new(c))
         : v->def                      ? form_of_op(c, v)
                                       : form_of_argument(c, v);
    tg_map_set(c->memo, v, f);
    return *f;
}

/* ---- dimensions, domains, facts ------------------------------------------------------------------------------------ */

typedef struct form_stack {
    tg_form cells[TG_SIG_STACK + 1];
    uint32_t n;
    bool bad;
} form_stack;

static tg_form pop(const tg_check *c, form_stack *s) {
    if (s->n == 0) {
        s->bad = true;
        return tg_form_int(c, 0);
    }
    return s->cells[--s->n];
}

static void sig_instr(tg_check *c, form_stack *s, const tg_sig_instr *in) {
    tg_form x, y, out = tg_form_int(c, 0);
    switch ((int)in->op) {
    case TG_SE_INT:
        out = tg_form_int(c, in->imm.i);
        break;
    case TG_SE_DIM:
        out = launch_dim(c, (uint32_t)in->imm.i);
        break;
    case TG_SE_SCALAR_I:
        out = launch_param(c, (uint32_t)in->imm.i);
        break;
    case TG_SE_ADD:
    case TG_SE_SUB:
    case TG_SE_MUL:
    case TG_SE_DIV:
    case TG_SE_REM:
        y = pop(c, s);
        x = pop(c, s);
        if (in->op == TG_SE_MUL) {
            s->bad |= !tg_form_mul(c, x, y, &out);
        } else if (in->op == TG_SE_DIV || in->op == TG_SE_REM) {
            out = divide(c, x, y, in->op == TG_SE_REM);
        } else {
            s->bad |= !tg_form_add(c, x, y, in->op == TG_SE_ADD ? 1 : -1, &out);
        }
        break;
    default:
        s->bad = true;
        break;
    }
    if (s->n < TG_SIG_STACK) {
        s->cells[s->n++] = out;
    }
}

bool tg_check_sig_form(tg_check *c, const tg_sig_instr *code, uint32_t n, tg_form *out) {
    form_stack s = {.n = 0};
    for (uint32_t i = 0; i < n; i++) {
        sig_instr(c, &s, &code[i]);
    }
    *out = s.n ? s.cells[s.n - 1] : tg_form_int(c, 0);
    return !s.bad && s.n == 1;
}

tg_form tg_check_dim(tg_check *c, const tg_value *tensor, uint32_t d) {
    int32_t i = param_of(c, tensor);
    tg_form out;
    if (i >= 0 && c->sig && (uint32_t)i < c->sig->n_params && d < c->sig->params[i].rank &&
        tg_check_sig_form(c, c->sig->params[i].shape[d].code, c->sig->params[i].shape[d].n,
                          &out)) {
        return out;
    }
    if (tensor->def && tensor->def->opcode == TG_OP_TEMP && d < tensor->def->n_operands) {
        return tg_check_form(c, tg_operand(tensor->def, d));
    }
    if (tensor->def && tensor->def->opcode == TG_OP_TENSOR && d + 1 < tensor->def->n_operands) {
        return tg_check_form(c, tg_operand(tensor->def, d + 1));
    }
    return atom(c, &(tg_atom){.kind = TG_ATOM_LAUNCH,
                              .op = 1000000 + d,
                              .value = tensor,
                              .nonneg = true,
                              .deps = tg_vars_new(c)});
}

/* `from` is 0 and `until` the extent unless the program restricts them. */
bool tg_check_domain_of(tg_check *c, uint32_t var, tg_check_domain *out) {
    const tg_op *b = c->vars.data[var].binder;
    if (!b) {
        return false;
    }
    int64_t zero;
    out->extent = tg_check_form(c, tg_operand(b, 0));
    out->from = tg_check_form(c, tg_operand(b, 1));
    out->until = tg_check_form(c, tg_operand(b, 2));
    out->has_from = !tg_form_constant(out->from, &zero) || zero > 0;
    out->has_until = !tg_form_equal(out->extent, out->until);
    int64_t e, u;
    if (tg_form_constant(out->extent, &e) && tg_form_constant(out->until, &u) && u > e) {
        out->has_until = false;
    }
    return true;
}

/* The atom x of x - 3 >= 0, or of x >= 0, which is no negative number. */
static void note_sign(tg_check *c, tg_form f) {
    const tg_form_term *x = NULL;
    for (uint32_t i = 0; i < f.n; i++) {
        const tg_form_term *t = &f.terms[i];
        bool lone = t->n == 1 && t->factor > 0 && !x;
        if (!lone && (t->n > 0 || t->factor > 0)) {
            return;
        }
        x = lone ? t : x;
    }
    if (x) {
        c->atoms.data[x->atoms[0]].nonneg = true;
    }
}

static void add_fact(tg_check *c, tg_form f) {
    tg_vec_push(c->arena, &c->facts, f);
    note_sign(c, f);
}

/* lhs <op> rhs as forms that are >= 0 */
static void compare_fact(tg_check *c, tg_sig_opcode op, tg_form x, tg_form y) {
    tg_form d;
    if ((op == TG_SE_LE || op == TG_SE_LT || op == TG_SE_EQ) && tg_form_add(c, y, x, -1, &d)) {
        if (op != TG_SE_LT || tg_form_add(c, d, tg_form_int(c, 1), -1, &d)) {
            add_fact(c, d);
        }
    }
    if (op == TG_SE_EQ && tg_form_add(c, x, y, -1, &d)) {
        add_fact(c, d);
    }
}

/* The last instruction of a condition is a comparison of two programs: find where the second begins. */
static void where_fact(tg_check *c, const tg_sig_expr *e) {
    tg_form x, y;
    if (e->n < 3) {
        return;
    }
    for (uint32_t split = 1; split + 1 < e->n; split++) {
        if (tg_check_sig_form(c, e->code, split, &x) &&
            tg_check_sig_form(c, e->code + split, e->n - 1 - split, &y)) {
            compare_fact(c, e->code[e->n - 1].op, x, y);
            return;
        }
    }
}

void tg_check_gather_facts(tg_check *c) {
    for (uint32_t i = 0; c->sig && i < c->sig->n_params; i++) {
        tg_form f;
        if (c->sig->params[i].is_const && c->sig->params[i].kind == TG_SP_SCALAR &&
            tg_form_add(c, launch_param(c, i), tg_form_int(c, 1), -1, &f)) {
            add_fact(c, f);
        }
    }
    for (uint32_t i = 0; c->sig && i < c->sig->n_checks; i++) {
        if (c->sig->checks[i].kind == TG_SC_WHERE) {
            where_fact(c, &c->sig->checks[i].expr);
        }
    }
}

bool tg_check_has_fact(tg_check *c, const tg_value *tensor, tg_sig_fact_kind kind,
                       tg_form *bound) {
    for (uint32_t i = 0; c->sig && i < c->sig->n_facts; i++) {
        const tg_sig_fact *f = &c->sig->facts[i];
        bool about = f->kind == kind && f->param < c->func->n_params &&
                     c->func->params[f->param].value == tensor;
        if (about && (!bound || tg_check_sig_form(c, f->bound.code, f->bound.n, bound))) {
            return true;
        }
    }
    return false;
}
