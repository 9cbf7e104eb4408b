/* The text form of the IR. read.c parses exactly this; print(read(print(f))) is print(f), byte
 * for byte.
 *
 *   func @scale(in %X: tensor<1 x f32>, out %Y: tensor<1 x f32>, scalar %a: f32)
 *     axes { #i grid block=1024 }
 *   {
 *     %0 = const {value=0} : i64
 *     %N = dim %X {d=0} : i64
 *     phase () {
 *       par %N, %0, %N {axis=#i} () {
 *         %1 = iota {axis=#i} : tile<#i x i64>
 *         …
 *       }
 *     }
 *   }
 *
 * A region is its arguments in parentheses, always there, and a body in braces, so that `{`
 * after an opcode always starts attributes. Result types come last. Values and axes keep their
 * source names, made unique by `.1`, `.2` … in order of appearance; unnamed values are numbered
 * in that order too, so that the text depends on structure alone. Numbers are written
 * without the C library's decimal conversion, which depends on the host's locale. */
#include "dsl/ir/ir.h"

#include <math.h>
#include <string.h>

typedef struct printer {
    tg_strbuf *out;
    const tg_func *f;
    tg_map *value_texts; /* tg_value → text */
    tg_map *axis_texts;
    tg_map *name_counts; /* tg_name → how often used, as a pointer-sized integer */
    tg_map *axis_counts;
    uint32_t n_unnamed;
} printer;

static bool is_identifier(const char *s) {
    if (!s || !(*s == '_' || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z'))) {
        return false;
    }
    for (; *s; s++) {
        bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_';
        if (!letter && !(*s >= '0' && *s <= '9')) {
            return false;
        }
    }
    return true;
}

static const char *unique_name(printer *p, tg_map *counts, char sigil, tg_name name) {
    uint32_t *seen = tg_map_get(counts, name);
    if (seen) {
        return tg_arena_printf(p->out->arena, "%c%s.%u", sigil, name, ++*seen);
    }
    tg_map_set(counts, name, TG_NEW(p->out->arena, uint32_t));
    return tg_arena_printf(p->out->arena, "%c%s", sigil, name);
}

static const char *value_text(printer *p, const tg_value *v) {
    if (!v) {
        return "%null";
    }
    const char *text = tg_map_get(p->value_texts, v);
    if (!text) {
        text = is_identifier(v->name) ? unique_name(p, p->name_counts, '%', v->name)
                                      : tg_arena_printf(p->out->arena, "%%%u", p->n_unnamed++);
        tg_map_set(p->value_texts, v, (void *)(uintptr_t)text);
    }
    return text;
}

static const char *axis_text(printer *p, const tg_axis *a) {
    if (!a) {
        return "#null";
    }
    const char *text = tg_map_get(p->axis_texts, a);
    if (!text) {
        text = is_identifier(a->name)
                   ? unique_name(p, p->axis_counts, '#', a->name)
                   : tg_arena_printf(p->out->arena, "#%u", (unsigned)a->rank);
        tg_map_set(p->axis_texts, a, (void *)(uintptr_t)text);
    }
    return text;
}

/* ---- numbers and strings ---------------------------------------------------------------- */

/* Multiples of 2^-10 below 2^40 have at most ten decimals; written plainly. */
static bool print_plain_float(tg_strbuf *out, double v) {
    double a = fabs(v), scaled = a * 1024.0;
    if (!(a < 1099511627776.0) || scaled != floor(scaled)) {
        return false;
    }
    uint64_t whole = (uint64_t)a;
    uint64_t decimals =
        (uint64_t)(scaled - (double)whole * 1024.0) * 9765625u; /* fraction · 10^10, exactly */
    char digits[11];
    for (int i = 9; i >= 0; i--, decimals /= 10) {
        digits[i] = (char)('0' + decimals % 10);
    }
    int n = 10;
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    tg_strbuf_printf(out, "%s%llu.%.*s", signbit(v) ? "-" : "", (unsigned long long)whole, n,
                     digits);
    return true;
}

static void print_float(tg_strbuf *out, double v) {
    if (v != v) {
        uint64_t bits;
        memcpy(&bits, &v, sizeof bits);
        tg_strbuf_printf(out, "nan(0x%llx)", (unsigned long long)bits);
    } else if (isinf(v)) {
        tg_strbuf_puts(out, v < 0 ? "-inf" : "inf");
    } else if (!print_plain_float(out, v)) {
        int exponent;
        double mantissa = ldexp(frexp(fabs(v), &exponent), 53);
        uint64_t m = (uint64_t)mantissa;
        exponent -= 53;
        while ((m & 1) == 0) {
            m >>= 1;
            exponent++;
        }
        tg_strbuf_printf(out, "%s0x%llxp%d", signbit(v) ? "-" : "", (unsigned long long)m,
                         exponent);
    }
}

static void print_string(tg_strbuf *out, const char *s) {
    tg_strbuf_putc(out, '"');
    for (; s && *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') {
            tg_strbuf_printf(out, "\\%c", c);
        } else if (c < 32 || c > 126) {
            tg_strbuf_printf(out, "\\x%02x", c);
        } else {
            tg_strbuf_putc(out, (char)c);
        }
    }
    tg_strbuf_putc(out, '"');
}

/* ---- types and attributes --------------------------------------------------------------- */

static void print_axes(printer *p, tg_axis *const *axes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        tg_strbuf_printf(p->out, "%s%s", i ? ", " : "", axis_text(p, axes[i]));
    }
}

static void print_type(printer *p, const tg_type *t) {
    if (!t) {
        tg_strbuf_puts(p->out, "none");
    } else if (t->kind == TG_TYPE_TENSOR) {
        tg_strbuf_printf(p->out, "tensor<%u x %s>", (unsigned)t->rank, tg_dtype_name(t->dtype));
    } else if (t->n_axes == 0) {
        tg_strbuf_puts(p->out, tg_dtype_name(t->dtype));
    } else {
        tg_strbuf_puts(p->out, "tile<");
        print_axes(p, t->axes, t->n_axes);
        tg_strbuf_printf(p->out, " x %s>", tg_dtype_name(t->dtype));
    }
}

static void print_attr_value(printer *p, const tg_attr *a) {
    switch (a->kind) {
    case TG_AK_INT:
        tg_strbuf_printf(p->out, "=%lld", (long long)a->i);
        break;
    case TG_AK_NUM:
        tg_strbuf_putc(p->out, '=');
        print_float(p->out, a->f);
        break;
    case TG_AK_FLAG:
        break;
    case TG_AK_AXIS:
        tg_strbuf_printf(p->out, "=%s", axis_text(p, a->axes[0]));
        break;
    case TG_AK_AXES:
        tg_strbuf_puts(p->out, "=(");
        print_axes(p, a->axes, a->n_axes);
        tg_strbuf_putc(p->out, ')');
        break;
    case TG_AK_STR:
        tg_strbuf_putc(p->out, '=');
        print_string(p->out, a->str);
        break;
    case TG_AK_ENUM:
        tg_strbuf_printf(p->out, "=%s", tg_enum_name((tg_enum)a->i));
        break;
    }
}

static void print_attrs(printer *p, const tg_op *op) {
    if (op->n_attrs == 0) {
        return;
    }
    tg_strbuf_puts(p->out, " {");
    for (uint32_t i = 0; i < op->n_attrs; i++) {
        tg_strbuf_printf(p->out, "%s%s", i ? ", " : "", tg_attr_key_name(op->attrs[i].key));
        print_attr_value(p, &op->attrs[i]);
    }
    tg_strbuf_putc(p->out, '}');
}

/* ---- operations ------------------------------------------------------------------------- */

static void indent(printer *p, uint32_t depth) {
    for (uint32_t i = 0; i < depth; i++) {
        tg_strbuf_puts(p->out, "  ");
    }
}

static void print_op(printer *p, const tg_op *op, uint32_t depth);

static void print_region(printer *p, const tg_region *r, uint32_t depth) {
    tg_strbuf_puts(p->out, " (");
    for (uint32_t i = 0; i < r->body.n_args; i++) {
        tg_strbuf_printf(p->out, "%s%s: ", i ? ", " : "", value_text(p, r->body.args[i]));
        print_type(p, r->body.args[i]->type);
    }
    tg_strbuf_puts(p->out, ") {\n");
    for (const tg_op *op = r->body.first; op; op = op->next) {
        print_op(p, op, depth + 1);
    }
    indent(p, depth);
    tg_strbuf_putc(p->out, '}');
}

static void print_op(printer *p, const tg_op *op, uint32_t depth) {
    indent(p, depth);
    for (uint32_t i = 0; i < op->n_results; i++) {
        tg_strbuf_printf(p->out, "%s%s", i ? ", " : "", value_text(p, &op->results[i]));
    }
    tg_strbuf_printf(p->out, "%s%s", op->n_results ? " = " : "",
                     tg_op_info_of(op->opcode)->mnemonic);
    for (uint32_t i = 0; i < op->n_operands; i++) {
        tg_strbuf_printf(p->out, "%s %s", i ? "," : "", value_text(p, op->operands[i].value));
    }
    print_attrs(p, op);
    for (uint32_t r = 0; r < op->n_regions; r++) {
        print_region(p, &op->regions[r], depth);
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        tg_strbuf_puts(p->out, i ? ", " : " : ");
        print_type(p, op->results[i].type);
    }
    tg_strbuf_putc(p->out, '\n');
}

/* ---- the head --------------------------------------------------------------------------- */

static const char *const param_kinds[] = {"in", "out", "inout", "scalar", "ptr"};
static const char *const axis_kinds[] = {"grid", "loop", "local"};

static void print_param(printer *p, const tg_fparam *param) {
    const char *plain = is_identifier(param->name) ? param->name : "_";
    tg_strbuf_printf(p->out, "%s %s: ", param_kinds[param->kind],
                     param->value ? value_text(p, param->value) : plain);
    if (param->kind == TG_FP_SCALAR || param->kind == TG_FP_PTR) {
        tg_strbuf_puts(p->out, tg_dtype_name(param->dtype));
    } else {
        tg_strbuf_printf(p->out, "tensor<%u x %s>", (unsigned)param->rank,
                         tg_dtype_name(param->dtype));
    }
    tg_strbuf_puts(p->out, param->absent ? " absent" : "");
    tg_strbuf_puts(p->out, param->is_const ? " const" : "");
}

static void print_axis_list(printer *p) {
    if (p->f->axes.len == 0) {
        return;
    }
    tg_strbuf_puts(p->out, "  axes { ");
    for (uint32_t i = 0; i < p->f->axes.len; i++) {
        const tg_axis *a = p->f->axes.data[i];
        tg_strbuf_printf(p->out, "%s%s %s", i ? ", " : "", axis_text(p, a),
                         axis_kinds[a->kind]);
        if (a->block) {
            tg_strbuf_printf(p->out, " block=%lld%s", (long long)a->block,
                             a->scheduled ? " scheduled" : "");
        }
        if (a->extent != -1) {
            tg_strbuf_printf(p->out, " extent=%lld", (long long)a->extent);
        }
        if (a->like) {
            tg_strbuf_printf(p->out, " like=%s", axis_text(p, a->like));
        }
    }
    tg_strbuf_puts(p->out, " }\n");
}

static void print_flags(printer *p) {
    const tg_func *f = p->f;
    if (!f->fast && !f->block_dependent && !f->nondeterministic && !f->checked) {
        return;
    }
    tg_strbuf_printf(p->out, "  flags { fast=%u", (unsigned)f->fast);
    tg_strbuf_puts(p->out, f->block_dependent ? ", block_dependent" : "");
    tg_strbuf_puts(p->out, f->nondeterministic ? ", nondeterministic" : "");
    tg_strbuf_puts(p->out, f->checked ? ", checked" : "");
    tg_strbuf_puts(p->out, " }\n");
}

static void print_schedule_item(printer *p, const tg_sched_item *item) {
    tg_strbuf_printf(p->out, "%s(", is_identifier(item->key) ? item->key : "_");
    print_axes(p, item->axes, item->n_axes);
    if (is_identifier(item->arg)) {
        tg_strbuf_printf(p->out, "; %s", item->arg);
    }
    tg_strbuf_printf(p->out, ") = %lld", (long long)item->integer);
    for (uint32_t i = 0; i < item->n_names; i++) {
        tg_strbuf_printf(p->out, "%s%s", i ? ", " : " (",
                         is_identifier(item->names[i]) ? item->names[i] : "_");
    }
    tg_strbuf_puts(p->out, item->n_names ? ")" : "");
}

static void print_schedule(printer *p) {
    if (p->f->schedule.len == 0) {
        return;
    }
    tg_strbuf_puts(p->out, "  schedule { ");
    for (uint32_t i = 0; i < p->f->schedule.len; i++) {
        tg_strbuf_puts(p->out, i ? ", " : "");
        print_schedule_item(p, &p->f->schedule.data[i]);
    }
    tg_strbuf_puts(p->out, " }\n");
}

void tg_ir_print(const tg_func *f, tg_strbuf *out) {
    printer p = {.out = out, .f = f};
    p.value_texts = tg_map_create(out->arena);
    p.axis_texts = tg_map_create(out->arena);
    p.name_counts = tg_map_create(out->arena);
    p.axis_counts = tg_map_create(out->arena);
    for (uint32_t i = 0; i < f->axes.len;
         i++) { /* names in rank order, whatever is printed first */
        axis_text(&p, f->axes.data[i]);
    }
    tg_strbuf_printf(out, "func @%s(", is_identifier(f->name) ? f->name : "_");
    for (uint32_t i = 0; i < f->n_params; i++) {
        tg_strbuf_puts(out, i ? ", " : "");
        print_param(&p, &f->params[i]);
    }
    tg_strbuf_puts(out, ")\n");
    print_axis_list(&p);
    print_flags(&p);
    print_schedule(&p);
    tg_strbuf_puts(out, "{\n");
    for (const tg_op *op = f->body.body.first; op; op = op->next) {
        print_op(&p, op, 1);
    }
    tg_strbuf_puts(out, "}\n");
}
