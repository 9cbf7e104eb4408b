/* The reader of the IR's text form (print.c says what it looks like): recursive descent, one
 * token of look-ahead, stops at the first error. It checks names and syntax only; whether the
 * result is well formed is the verifier's question. Nesting is limited, so hostile text
 * cannot exhaust the stack. */
#include "dsl/ir/ir_internal.h"
#include "dsl/ir/read_lex.h"

#include <string.h>

enum { MAX_NESTING = 100, MAX_LIST = 4096, MAX_TENSOR_RANK = 8 };

typedef struct reader {
    lexer lx;
    token now;
    bool failed;
    tg_func *f;
    tg_map *values; /* text without sigil → tg_value */
    tg_map *axes;
    uint32_t depth;
} reader;

typedef TG_VEC(tg_value *) value_list;
typedef TG_VEC(tg_axis *) axis_list;
typedef TG_VEC(tg_attr) attr_list;
typedef TG_VEC(token) token_list;

/* ---- tokens ----------------------------------------------------------------------------- */

static bool fail(reader *r, tg_diag_code code, tg_span span, const char *message) {
    if (!r->failed) {
        tg_report(r->lx.diags, code, span, "%s", message);
    }
    r->failed = true;
    return false;
}

static void advance(reader *r) {
    r->now = lex_token(&r->lx);
    r->failed = r->failed || r->now.kind == TOKEN_BAD;
}

static bool at_punct(const reader *r, char c) {
    return !r->failed && r->now.kind == TOKEN_PUNCT && r->now.punct == c;
}

static bool accept(reader *r, char c) {
    if (!at_punct(r, c)) {
        return false;
    }
    advance(r);
    return true;
}

static bool expect(reader *r, char c) {
    if (accept(r, c)) {
        return true;
    }
    if (!r->failed) {
        tg_report(r->lx.diags, TG_E0104, r->now.span, "expected `%c`", c);
    }
    r->failed = true;
    return false;
}

static bool at_word(const reader *r, const char *word) {
    return !r->failed && r->now.kind == TOKEN_WORD && strcmp(r->now.text, word) == 0;
}

static bool accept_word(reader *r, const char *word) {
    if (!at_word(r, word)) {
        return false;
    }
    advance(r);
    return true;
}

static token take(reader *r, token_kind kind, const char *what) {
    token t = r->now;
    if (r->failed || t.kind != kind) {
        fail(r, TG_E0104, t.span, what);
        return (token){.kind = TOKEN_BAD, .text = tg_intern_cstr(r->lx.names, "_")};
    }
    advance(r);
    return t;
}

/* "acc.1" is called acc, "12" has no name */
static tg_name source_name(reader *r, tg_name text) {
    if (text[0] >= '0' && text[0] <= '9') {
        return NULL;
    }
    const char *dot = strchr(text, '.');
    return dot ? tg_intern(r->lx.names, text, (size_t)(dot - text)) : text;
}

/* ---- axes and types --------------------------------------------------------------------- */

static tg_axis *read_axis(reader *r) {
    token t = take(r, TOKEN_AXIS, "expected an axis");
    tg_axis *a = r->failed ? NULL : tg_map_get(r->axes, t.text);
    if (!a) {
        fail(r, TG_E0201, t.span, "unknown axis");
    }
    return a;
}

static void read_axis_list(reader *r, axis_list *out) {
    do {
        tg_axis *a = read_axis(r);
        if (!r->failed && out->len < MAX_LIST) {
            tg_vec_push(r->f->arena, out, a);
        }
    } while (accept(r, ','));
}

static tg_dtype read_dtype(reader *r) {
    token t = take(r, TOKEN_WORD, "expected an element type");
    tg_dtype dtype = r->failed ? TG_DTYPE_NONE : tg_dtype_from_name(t.text);
    if (dtype == TG_DTYPE_NONE) {
        fail(r, TG_E0202, t.span, "unknown element type");
    }
    return dtype;
}

static bool expect_x(reader *r) {
    return accept_word(r, "x") ||
           fail(r, TG_E0104, r->now.span, "expected `x` and an element type");
}

static const tg_type *read_tensor_type(reader *r) {
    expect(r, '<');
    token rank = take(r, TOKEN_INT, "expected the rank of the tensor");
    if (rank.i < 0 || rank.i > MAX_TENSOR_RANK) {
        fail(r, TG_E0213, rank.span, "the rank of a tensor is at most 8");
    }
    expect_x(r);
    tg_dtype dtype = read_dtype(r);
    expect(r, '>');
    return r->failed ? NULL : tg_type_tensor(r->f, dtype, (uint32_t)rank.i);
}

static const tg_type *read_tile_type(reader *r) {
    axis_list axes = {0};
    expect(r, '<');
    read_axis_list(r, &axes);
    expect_x(r);
    tg_dtype dtype = read_dtype(r);
    expect(r, '>');
    return r->failed ? NULL : tg_type_tile(r->f, dtype, axes.data, axes.len);
}

static const tg_type *read_type(reader *r) {
    if (accept_word(r, "tensor")) {
        return read_tensor_type(r);
    }
    if (accept_word(r, "tile")) {
        return read_tile_type(r);
    }
    tg_dtype dtype = read_dtype(r);
    return r->failed ? NULL : tg_type_scalar(r->f, dtype);
}

/* ---- values ----------------------------------------------------------------------------- */

static void define(reader *r, const token *name, tg_value *v) {
    if (tg_map_has(r->values, name->text)) {
        fail(r, TG_E0302, name->span, "the value is defined already");
        return;
    }
    v->name = source_name(r, name->text);
    tg_map_set(r->values, name->text, v);
}

static void read_operands(reader *r, value_list *out) {
    if (r->failed || r->now.kind != TOKEN_VALUE) {
        return;
    }
    do {
        token t = take(r, TOKEN_VALUE, "expected a value");
        tg_value *v = r->failed ? NULL : tg_map_get(r->values, t.text);
        if (!v || out->len >= MAX_LIST) {
            fail(r, TG_E0201, t.span, v ? "too many operands" : "unknown value");
            return;
        }
        tg_vec_push(r->f->arena, out, v);
    } while (accept(r, ','));
}

/* ---- attributes ------------------------------------------------------------------------- */

static const tg_attr_kind attr_kinds[] = {
#define ATTR(e, key, kind) TG_AK_##kind,
#include "dsl/ir/attrs.def"
#undef ATTR
};

static tg_attr_key find_attr_key(tg_name text) {
    uint32_t i = 0;
    while (i < TG_ATTR_COUNT && strcmp(tg_attr_key_name((tg_attr_key)i), text) != 0) {
        i++;
    }
    return (tg_attr_key)i;
}

static tg_attr read_axes_value(reader *r, tg_attr_key key) {
    axis_list axes = {0};
    expect(r, '(');
    if (!at_punct(r, ')')) {
        read_axis_list(r, &axes);
    }
    expect(r, ')');
    return tg_attr_axes(r->f->arena, key, axes.data, axes.len);
}

static tg_attr read_enum_value(reader *r, tg_attr_key key) {
    token t = take(r, TOKEN_WORD, "expected an enumerator");
    tg_enum e = tg_enum_from_name(t.text, strlen(t.text));
    if (e == TG_ENUM_NONE) {
        fail(r, TG_E0201, t.span, "unknown enumerator");
    }
    return tg_attr_enum(key, e);
}

static tg_attr read_number_value(reader *r, tg_attr_key key) {
    if (!r->failed && r->now.kind == TOKEN_FLOAT) {
        tg_attr a = tg_attr_float(key, r->now.f);
        advance(r);
        return a;
    }
    return tg_attr_int(key, take(r, TOKEN_INT, "expected a number").i);
}

static tg_attr read_axis_value(reader *r, tg_attr_key key) {
    tg_axis *a = read_axis(r);
    return r->failed ? tg_attr_flag(key) : tg_attr_axis(r->f->arena, key, a);
}

static tg_attr read_attr_value(reader *r, tg_attr_key key) {
    switch (attr_kinds[key]) {
    case TG_AK_INT:
        return tg_attr_int(key, take(r, TOKEN_INT, "expected an integer").i);
    case TG_AK_NUM:
        return read_number_value(r, key);
    case TG_AK_AXIS:
        return read_axis_value(r, key);
    case TG_AK_AXES:
        return read_axes_value(r, key);
    case TG_AK_STR:
        return tg_attr_str(key, take(r, TOKEN_STRING, "expected a string").text);
    case TG_AK_ENUM:
        return read_enum_value(r, key);
    case TG_AK_FLAG:
        break;
    }
    return tg_attr_flag(key);
}

static void read_attrs(reader *r, attr_list *out) {
    if (!accept(r, '{')) {
        return;
    }
    do {
        token t = take(r, TOKEN_WORD, "expected an attribute");
        tg_attr_key key = find_attr_key(t.text);
        if (r->failed || key == TG_ATTR_COUNT) {
            fail(r, TG_E0201, t.span, "unknown attribute");
            return;
        }
        for (uint32_t i = 0; i < out->len; i++) {
            if (out->data[i].key == key) {
                fail(r, TG_E0302, t.span, "the attribute is given twice");
                return;
            }
        }
        if (attr_kinds[key] != TG_AK_FLAG) {
            expect(r, '=');
        }
        tg_attr a = read_attr_value(r, key);
        if (!r->failed) {
            tg_vec_push(r->f->arena, out, a);
        }
    } while (accept(r, ','));
    expect(r, '}');
}

/* ---- operations ------------------------------------------------------------------------- */

static void read_block(reader *r, tg_block *block);

static void read_region(reader *r, tg_region *region) {
    expect(r, '(');
    while (!r->failed && !at_punct(r, ')')) {
        token name = take(r, TOKEN_VALUE, "expected a region argument");
        expect(r, ':');
        const tg_type *type = read_type(r);
        if (!r->failed) {
            define(r, &name, tg_block_add_arg(r->f, &region->body, type, NULL));
        }
        if (!accept(r, ',')) {
            break;
        }
    }
    expect(r, ')');
    if (++r->depth > MAX_NESTING) {
        fail(r, TG_E0104, r->now.span, "regions are nested too deeply");
    }
    read_block(r, &region->body);
    r->depth--;
}

static void read_result_names(reader *r, token_list *out) {
    if (r->failed || r->now.kind != TOKEN_VALUE) {
        return;
    }
    do {
        token t = take(r, TOKEN_VALUE, "expected a result");
        if (!r->failed && out->len < MAX_LIST) {
            tg_vec_push(r->f->arena, out, t);
        }
    } while (accept(r, ','));
    expect(r, '=');
}

static void read_result_types(reader *r, tg_op *op, const token_list *names) {
    for (uint32_t i = 0; i < names->len && !r->failed; i++) {
        expect(r, i ? ',' : ':');
        op->results[i].type = read_type(r);
        if (!r->failed) {
            define(r, &names->data[i], &op->results[i]);
        }
    }
}

static tg_opcode read_opcode(reader *r) {
    token t = take(r, TOKEN_WORD, "expected an operation");
    tg_opcode opcode = tg_opcode_from_mnemonic(t.text, strlen(t.text));
    if (opcode == TG_OP_COUNT) {
        fail(r, TG_E0201, t.span, "unknown operation");
    }
    return opcode;
}

static void read_op(reader *r, tg_block *block) {
    token_list names = {0};
    value_list operands = {0};
    attr_list attrs = {0};
    tg_span span = r->now.span;
    read_result_names(r, &names);
    tg_opcode opcode = read_opcode(r);
    read_operands(r, &operands);
    read_attrs(r, &attrs);
    if (r->failed) {
        return;
    }
    tg_op *op = tg_op_new(r->f, opcode, operands.len, names.len, attrs.len);
    for (uint32_t i = 0; i < operands.len; i++) {
        tg_op_set_initial_operand(op, i, operands.data[i]);
    }
    for (uint32_t i = 0; i < attrs.len; i++) {
        tg_op_put_attr(op, attrs.data[i]);
    }
    tg_op_insert(op, block, NULL);
    for (uint32_t i = 0; i < op->n_regions && !r->failed; i++) {
        read_region(r, &op->regions[i]);
    }
    read_result_types(r, op, &names);
    op->span = tg_span_join(span, (tg_span){span.file, span.begin, r->now.span.begin});
}

static void read_block(reader *r, tg_block *block) {
    expect(r, '{');
    while (!r->failed && !at_punct(r, '}')) {
        read_op(r, block);
    }
    expect(r, '}');
}

/* ---- the head --------------------------------------------------------------------------- */

static tg_fparam_kind read_param_kind(reader *r) {
    static const char *const kinds[] = {"in", "out", "inout", "scalar", "ptr"};
    for (uint32_t i = 0; i < 5; i++) {
        if (accept_word(r, kinds[i])) {
            return (tg_fparam_kind)i;
        }
    }
    fail(r, TG_E0104, r->now.span, "expected `in`, `out`, `inout`, `scalar` or `ptr`");
    return TG_FP_IN;
}

static void read_param(reader *r) {
    tg_fparam p = {.kind = read_param_kind(r)};
    token name = r->now;
    if (!r->failed && name.kind != TOKEN_VALUE && name.kind != TOKEN_WORD) {
        fail(r, TG_E0104, name.span, "expected the name of the parameter");
    }
    advance(r);
    expect(r, ':');
    const tg_type *type = read_type(r);
    p.absent = accept_word(r, "absent");
    p.is_const = accept_word(r, "const");
    if (r->failed) {
        return;
    }
    bool tensor = p.kind != TG_FP_SCALAR && p.kind != TG_FP_PTR;
    if (tensor != (type->kind == TG_TYPE_TENSOR) || type->n_axes) {
        fail(r, TG_E0202, name.span, "the type does not fit the kind of parameter");
        return;
    }
    if ((name.kind == TOKEN_VALUE) == (p.absent || p.is_const)) {
        fail(r, TG_E0104, name.span,
             "a parameter has `%` before its name unless it is absent or const");
        return;
    }
    p.name = source_name(r, name.text);
    p.dtype = type->dtype;
    p.rank = type->rank;
    tg_value *v = tg_func_add_param(r->f, p);
    if (v) {
        define(r, &name, v);
    }
}

static tg_axis_kind read_axis_kind(reader *r) {
    static const char *const kinds[] = {"grid", "loop", "local"};
    for (uint32_t i = 0; i < 3; i++) {
        if (accept_word(r, kinds[i])) {
            return (tg_axis_kind)i;
        }
    }
    fail(r, TG_E0104, r->now.span, "expected `grid`, `loop` or `local`");
    return TG_AXIS_LOCAL;
}

static void read_axis_numbers(reader *r, tg_axis *a) {
    while (!r->failed && (at_word(r, "block") || at_word(r, "extent") || at_word(r, "like"))) {
        bool block = at_word(r, "block"), like = at_word(r, "like");
        advance(r);
        expect(r, '=');
        if (like) {
            a->like = read_axis(r);
        } else {
            *(block ? &a->block : &a->extent) = take(r, TOKEN_INT, "expected an integer").i;
            a->scheduled = block ? accept_word(r, "scheduled") : a->scheduled;
        }
    }
}

static void read_axes(reader *r) {
    if (!accept_word(r, "axes")) {
        return;
    }
    expect(r, '{');
    do {
        token name = take(r, TOKEN_AXIS, "expected an axis");
        tg_axis_kind kind = read_axis_kind(r);
        if (!r->failed && (tg_map_has(r->axes, name.text) || r->f->axes.len >= MAX_LIST)) {
            fail(r, TG_E0302, name.span, "the axis is declared already, or there are too many");
        }
        if (r->failed) {
            return;
        }
        tg_axis *a = tg_func_add_axis(r->f, kind, source_name(r, name.text), name.span);
        read_axis_numbers(r, a);
        tg_map_set(r->axes, name.text, a);
    } while (accept(r, ','));
    expect(r, '}');
}

static void read_flags(reader *r) {
    if (!accept_word(r, "flags")) {
        return;
    }
    expect(r, '{');
    do {
        if (accept_word(r, "fast")) {
            expect(r, '=');
            r->f->fast = (uint32_t)take(r, TOKEN_INT, "expected an integer").i;
        } else if (accept_word(r, "block_dependent")) {
            r->f->block_dependent = true;
        } else if (accept_word(r, "nondeterministic")) {
            r->f->nondeterministic = true;
        } else if (accept_word(r, "checked")) {
            r->f->checked = true;
        } else {
            fail(r, TG_E0201, r->now.span, "unknown flag");
        }
    } while (accept(r, ','));
    expect(r, '}');
}

static void read_schedule_names(reader *r, tg_sched_item *item) {
    TG_VEC(tg_name) names = {0};
    if (!accept(r, '(')) {
        return;
    }
    do {
        token t = take(r, TOKEN_WORD, "expected a name");
        if (!r->failed && names.len < MAX_LIST) {
            tg_vec_push(r->f->arena, &names, t.text);
        }
    } while (accept(r, ','));
    expect(r, ')');
    item->names = names.data;
    item->n_names = names.len;
}

static void read_schedule_item(reader *r) {
    tg_sched_item item = {.key = take(r, TOKEN_WORD, "expected a schedule key").text};
    expect(r, '(');
    while (!r->failed && r->now.kind == TOKEN_AXIS) {
        tg_axis *a = read_axis(r);
        if (!a || item.n_axes == 4) {
            fail(r, TG_E0104, r->now.span, "too many axes");
            return;
        }
        item.axes[item.n_axes++] = a;
        if (!accept(r, ',')) {
            break;
        }
    }
    if (accept(r, ';')) {
        item.arg = take(r, TOKEN_WORD, "expected a name").text;
    }
    expect(r, ')');
    expect(r, '=');
    item.integer = take(r, TOKEN_INT, "expected an integer").i;
    read_schedule_names(r, &item);
    if (!r->failed) {
        tg_vec_push(r->f->arena, &r->f->schedule, item);
    }
}

static void read_schedule(reader *r) {
    if (!accept_word(r, "schedule")) {
        return;
    }
    expect(r, '{');
    do {
        read_schedule_item(r);
    } while (accept(r, ','));
    expect(r, '}');
}

static void read_func(reader *r) {
    if (!accept_word(r, "func")) {
        fail(r, TG_E0104, r->now.span, "expected `func`");
    }
    r->f->name =
        source_name(r, take(r, TOKEN_SYMBOL, "expected the name of the function").text);
    expect(r, '(');
    while (!r->failed && !at_punct(r, ')')) {
        read_param(r);
        if (!accept(r, ',')) {
            break;
        }
    }
    expect(r, ')');
    read_axes(r);
    read_flags(r);
    read_schedule(r);
    read_block(r, &r->f->body.body);
    if (!r->failed && r->now.kind != TOKEN_END) {
        fail(r, TG_E0104, r->now.span, "expected the end of the text");
    }
}

tg_func *tg_ir_read(tg_arena *arena, tg_interner *names, tg_diags *diags, uint32_t file) {
    const tg_source *source = tg_sources_get(diags->sources, file);
    if (!source) {
        return NULL;
    }
    reader r = {.lx = {.text = source->text,
                       .len = source->len,
                       .file = file,
                       .names = names,
                       .diags = diags}};
    r.f = tg_func_create(arena, names, NULL);
    r.values = tg_map_create(arena);
    r.axes = tg_map_create(arena);
    advance(&r);
    read_func(&r);
    return r.failed ? NULL : r.f;
}
