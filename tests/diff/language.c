/* Random kernels as source text, evaluated by hand: one expression per output, over inputs of many types, with implicit
 * conversions, literals, `let`, `?:`, sums of products, and functions whose loops and branches go another way at each point
 * (LOOP, with an axis of their own or without). The test's own evaluation follows the language's rules on the tree
 * it printed; the elaborated function must give the same bits in the interpreter, and the x86 target must agree with it. */
#include "dsl/ir/scalar_eval.h"
#include "dsl/parser/elab.h"
#include "tests/diff/case.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_INPUTS = 8, N_OUTPUTS = 4, LENGTH = 37, AXIS = 3, MAX_NODES = 400, TEXT = 1 << 16 };

static const tg_dtype inputs[N_INPUTS] = {TG_F32, TG_F64, TG_I32,  TG_I64,
                                          TG_U8,  TG_F16, TG_BF16, TG_I16};

typedef enum kind {
    LOAD,
    LITERAL,
    VARIABLE,
    BINARY,
    COMPARE,
    CHOOSE,
    CONVERT,
    NEGATE,
    CALL,
    LOOP
} kind;

enum { N_LOOPS = 4 };

/* fn f(int x, int n): a loop from `from` or n / 4 until n % limit, with ways out. Odd ones have an axis and a sum over it. */
typedef struct loop {
    int from, limit, skip, factor, stop;
    bool leaves; /* returns from inside, else breaks */
} loop;

typedef struct node {
    kind kind;
    tg_dtype dtype;
    tg_opcode op;
    tg_enum pred;
    int number; /* input, literal value or variable */
    bool bare;  /* a product printed without parentheses */
    struct node *a, *b, *c;
} node;

typedef struct program {
    uint64_t rng;
    node nodes[MAX_NODES];
    int n_nodes;
    node *variables[8], *outputs[N_OUTPUTS];
    loop loops[N_LOOPS];
    int n_variables;
    char text[TEXT];
    size_t len;
} program;

static uint32_t below(program *p, uint32_t n) {
    return (uint32_t)(diff_random(&p->rng) % n);
}

static node *make(program *p, kind k, tg_dtype t) {
    node *n = &p->nodes[p->n_nodes++];
    *n = (node){.kind = k, .dtype = t};
    return n;
}

/* ---- trees ------------------------------------------------------------------------------------------- */

static node *leaf(program *p) {
    if (p->n_variables && below(p, 3) == 0) {
        int v = (int)below(p, (uint32_t)p->n_variables);
        node *n = make(p, VARIABLE, p->variables[v]->dtype);
        n->number = v;
        return n;
    }
    int v = (int)below(p, N_INPUTS);
    node *n = make(p, LOAD, inputs[v]);
    n->number = v;
    return n;
}

static node *convert(program *p, node *a, tg_dtype t) {
    if (a->dtype == t) {
        return a;
    }
    node *n = make(p, CONVERT, t);
    n->a = a;
    return n;
}

static node *tree(program *p, int depth);

/* Brings two operands to types that have a common one; one may be a literal. */
static tg_dtype pair(program *p, node *n, int depth) {
    n->a = tree(p, depth - 1);
    if (below(p, 6) == 0) {
        n->b = make(p, LITERAL, n->a->dtype);
        n->b->number = (int)below(p, 50);
        return n->a->dtype;
    }
    n->b = tree(p, depth - 1);
    if (tg_dtype_common(n->a->dtype, n->b->dtype) == TG_DTYPE_NONE) {
        n->b = convert(p, n->b, n->a->dtype);
    }
    return tg_dtype_common(n->a->dtype, n->b->dtype);
}

static node *binary(program *p, int depth) {
    static const tg_opcode ops[] = {TG_OP_ADD, TG_OP_ADD, TG_OP_SUB, TG_OP_MUL, TG_OP_MUL,
                                    TG_OP_DIV, TG_OP_REM, TG_OP_AND, TG_OP_OR,  TG_OP_XOR};
    node *n = make(p, BINARY, TG_F32);
    n->dtype = pair(p, n, depth);
    n->op = ops[below(p, tg_dtype_is_int(n->dtype) ? 10 : 6)];
    bool sum = n->op == TG_OP_ADD || n->op == TG_OP_SUB;
    for (int i = 0; sum && i < 2; i++) {
        node *x = i ? n->b : n->a;
        x->bare =
            x->kind == BINARY && x->op == TG_OP_MUL && x->dtype == n->dtype && below(p, 3) > 0;
    }
    return n;
}

static node *tree(program *p, int depth) {
    uint32_t k = below(p, 20);
    if (depth <= 0 || p->n_nodes > MAX_NODES - 40) {
        return leaf(p);
    }
    if (k < 12) {
        return binary(p, depth);
    }
    if (k < 14) {
        static const tg_dtype types[] = {TG_F32, TG_F64,  TG_I32, TG_I64, TG_I16,
                                         TG_F16, TG_BF16, TG_U8,  TG_I8,  TG_U32};
        node *n = make(p, CONVERT, types[below(p, 10)]);
        n->a = tree(p, depth - 1);
        return n;
    }
    if (k < 16) {
        static const tg_enum preds[] = {TG_EQ, TG_NE, TG_LT, TG_LE, TG_GT, TG_GE};
        node *n = make(p, CHOOSE, TG_F32), *pick = make(p, COMPARE, TG_BOOL);
        pair(p, pick, depth - 1);
        pick->pred = preds[below(p, 6)];
        n->dtype = pair(p, n, depth);
        n->c = pick;
        return n;
    }
    if (k < 18) {
        node *n = make(p, CALL, TG_F32);
        n->dtype = pair(p, n, depth);
        n->op = below(p, 2) ? TG_OP_MIN : TG_OP_MAX;
        return n;
    }
    if (k < 19) {
        node *n = make(p, LOOP, TG_I64);
        n->number = (int)below(p, N_LOOPS);
        n->a = convert(p, tree(p, depth - 1), TG_I64);
        n->b = convert(p, tree(p, depth - 2), TG_I64);
        return n;
    }
    node *n = make(p, NEGATE, TG_F32);
    n->a = leaf(p);
    n->dtype = n->a->dtype;
    return n;
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void put(program *p, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    p->len += (size_t)vsnprintf(p->text + p->len, TEXT - p->len, fmt, args);
    va_end(args);
}

static const char *symbol(const node *n) {
    static const char *const preds[] = {"==", "!=", "<", "<=", ">", ">="};
    switch ((int)(n->kind == COMPARE ? TG_OP_COUNT : n->op)) {
    case TG_OP_COUNT:
        return preds[n->pred - TG_EQ];
    case TG_OP_ADD:
        return "+";
    case TG_OP_SUB:
        return "-";
    case TG_OP_MUL:
        return "*";
    case TG_OP_DIV:
        return "/";
    case TG_OP_REM:
        return "%";
    case TG_OP_AND:
        return "&";
    case TG_OP_OR:
        return "|";
    default:
        return "^";
    }
}

static void print(program *p, const node *n) {
    switch (n->kind) {
    case LOAD:
        put(p, "X%d[i]", n->number);
        return;
    case VARIABLE:
        put(p, "v%d", n->number);
        return;
    case LITERAL:
        put(p, "%d", n->number);
        return;
    case NEGATE:
        put(p, "(-");
        print(p, n->a);
        put(p, ")");
        return;
    case CONVERT:
        put(p, "%s(", tg_dtype_name(n->dtype));
        print(p, n->a);
        put(p, ")");
        return;
    case CALL:
        put(p, n->op == TG_OP_MIN ? "min(" : "max(");
        print(p, n->a), put(p, ", "), print(p, n->b), put(p, ")");
        return;
    case LOOP:
        put(p, "f%d(", n->number), print(p, n->a), put(p, ", "), print(p, n->b);
        put(p, n->number % 2 ? ", j)" : ")");
        return;
    case CHOOSE:
        put(p, "("), print(p, n->c), put(p, " ? "), print(p, n->a), put(p, " : "),
            print(p, n->b), put(p, ")");
        return;
    case BINARY:
    case COMPARE:
        put(p, n->bare ? "" : "("), print(p, n->a), put(p, " %s ", symbol(n)), print(p, n->b),
            put(p, n->bare ? "" : ")");
        return;
    }
}

static void write_loop(program *p, int number) {
    loop *l = &p->loops[number];
    bool axis = number % 2;
    *l = (loop){(int)below(p, 4) - 1, 1 + (int)below(p, 12), 2 + (int)below(p, 3),
                1 + (int)below(p, 5), (int)below(p, 200),    below(p, 2) == 0};
    put(p, "fn f%d(int x, int n%s) -> int\n{\n    int s = x;\n", number,
        axis ? ", axis j" : "");
    put(p, "    if (x %% 7 == 3) { assert(x %% 7 == 3); return n; }\n");
    put(p, "    for (each r in 20 from ");
    put(p, l->from < 0 ? "n / 4" : "%d", l->from);
    put(p, " until n %% %d) {\n        if ((s + r) %% %d == 0) continue;\n", l->limit, l->skip);
    put(p, axis ? "        s = s * %d + sum(j + r, j);\n" : "        s = s * %d + r;\n",
        l->factor);
    put(p, "        if (s > %d) %s;\n    }\n    return s;\n}\n", l->stop,
        l->leaves ? "return -s" : "break");
}

static void write_program(program *p) {
    for (int i = 0; i < N_LOOPS; i++) {
        write_loop(p, i);
    }
    put(p, "kernel k(");
    for (int i = 0; i < N_INPUTS; i++) {
        put(p, "in %s X%d[N], ", tg_dtype_name(inputs[i]), i);
    }
    for (int i = 0; i < 3; i++) {
        p->variables[i] = tree(p, 2);
        p->n_variables = i + 1;
    }
    for (int i = 0; i < N_OUTPUTS; i++) {
        p->outputs[i] = tree(p, 5);
        put(p, "%sout %s Y%d[N]", i ? ", " : "", tg_dtype_name(p->outputs[i]->dtype), i);
    }
    put(p, ")\n{\n    grid (i in N) {\n        axis j in %d;\n", AXIS);
    for (int i = 0; i < p->n_variables; i++) {
        put(p, "        let v%d = ", i), print(p, p->variables[i]), put(p, ";\n");
    }
    for (int i = 0; i < N_OUTPUTS; i++) {
        put(p, "        Y%d[i] = ", i), print(p, p->outputs[i]), put(p, ";\n");
    }
    put(p, "    }\n}\n");
}

/* ---- evaluation by hand ------------------------------------------------------------------------------------------ */

typedef struct point {
    const program *p;
    const x86_args *args;
    int64_t at;
    bool *unspecified; /* set where the language leaves the value open */
} point;

static tg_scalar apply(tg_opcode op, tg_enum pred, tg_dtype t, tg_scalar a, tg_scalar b,
                       tg_scalar c) {
    tg_scalar in[] = {a, b, c}, out = {.dtype = t};
    int n = op == TG_OP_FMA ? 3 : op == TG_OP_NEG ? 1 : 2;
    tg_scalar_eval(op, pred, t, in, (uint32_t)n, &out);
    return out;
}

static tg_scalar value_of(const point *q, const node *n);

static tg_scalar value_as(const point *q, const node *n, tg_dtype t) {
    return tg_scalar_convert(value_of(q, n), t);
}

/* A bare product as an operand of a float sum is fused: the left one if both are. */
static tg_scalar sum_of(const point *q, const node *n) {
    bool fuses = tg_dtype_is_float(n->dtype) && (n->a->bare || n->b->bare), left = n->a->bare;
    tg_dtype t = n->dtype;
    const node *product = left ? n->a : n->b, *other = left ? n->b : n->a;
    tg_scalar none = {0}, z = value_as(q, other, t);
    if (!fuses) {
        return apply(n->op, TG_ENUM_NONE, t, value_as(q, n->a, t), value_as(q, n->b, t), none);
    }
    tg_scalar x = value_as(q, product->a, t), y = value_as(q, product->b, t);
    if (n->op == TG_OP_SUB) {
        tg_scalar *turned = left ? &z : &x;
        *turned = apply(TG_OP_NEG, TG_ENUM_NONE, t, *turned, none, none);
    }
    return apply(TG_OP_FMA, TG_ENUM_NONE, t, x, y, z);
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static int64_t wrap(uint64_t v) {
    return (int64_t)v;
}

static int64_t run_loop(const loop *l, bool axis, int64_t x, int64_t n) {
    int64_t s = x, from = l->from < 0 ? floor_div(n, 4) : l->from,
            until = n - floor_div(n, l->limit) * l->limit;
    if (x - floor_div(x, 7) * 7 == 3) {
        return n;
    }
    for (int64_t r = from < 0 ? 0 : from; r < until && r < 20; r++) {
        int64_t at = wrap((uint64_t)s + (uint64_t)r);
        if (at - floor_div(at, l->skip) * l->skip == 0) {
            continue;
        }
        int64_t more = axis ? AXIS * r + AXIS * (AXIS - 1) / 2 : r;
        s = wrap((uint64_t)s * (uint64_t)l->factor + (uint64_t)more);
        if (s > l->stop && l->leaves) {
            return wrap(-(uint64_t)s);
        }
        if (s > l->stop) {
            break;
        }
    }
    return s;
}

static tg_scalar value_of(const point *q, const node *n) {
    tg_scalar none = {0}, literal = {.dtype = TG_I64, .i = n->number};
    tg_dtype t = n->dtype;
    switch (n->kind) {
    case LOAD:
        return tg_scalar_load(t, q->args->list[n->number].tensor.data, q->at);
    case LITERAL:
        return tg_scalar_convert(literal, t);
    case VARIABLE:
        return value_of(q, q->p->variables[n->number]);
    case CONVERT:
        return value_as(q, n->a, t);
    case NEGATE:
        return apply(TG_OP_NEG, TG_ENUM_NONE, t, value_of(q, n->a), none, none);
    case CHOOSE:
        return value_as(q, value_of(q, n->c).i ? n->a : n->b, t);
    case COMPARE: {
        tg_dtype common =
            n->b->kind == LITERAL ? n->a->dtype : tg_dtype_common(n->a->dtype, n->b->dtype);
        return apply(TG_OP_CMP, n->pred, TG_BOOL, value_as(q, n->a, common),
                     value_as(q, n->b, common), none);
    }
    case LOOP: {
        int64_t x = value_as(q, n->a, TG_I64).i, times = value_as(q, n->b, TG_I64).i;
        return (tg_scalar){.dtype = TG_I64,
                           .i = run_loop(&q->p->loops[n->number], n->number % 2, x, times)};
    }
    case CALL: {
        tg_scalar a = value_as(q, n->a, t), b = value_as(q, n->b, t);
        bool zeros = tg_dtype_is_float(t) && a.f == 0 && b.f == 0;
        *q->unspecified |= zeros && signbit(a.f) != signbit(b.f);
        return apply(n->op, TG_ENUM_NONE, t, a, b, none);
    }
    default:
        break;
    }
    if (n->op == TG_OP_ADD || n->op == TG_OP_SUB) {
        return sum_of(q, n);
    }
    return apply(n->op, TG_ENUM_NONE, t, value_as(q, n->a, t), value_as(q, n->b, t), none);
}

/* ---- running ----------------------------------------------------------------------------------------------------------- */

static bool same(tg_scalar a, tg_scalar b) {
    if (tg_dtype_is_float(a.dtype)) {
        return (a.f != a.f && b.f != b.f) || a.f == b.f;
    }
    return a.i == b.i;
}

static bool check_values(const program *p, const tg_func *f, const char *text) {
    x86_args args;
    tg_interp_arg list[32] = {0};
    char message[256] = "";
    bool ok = diff_args_make(&args, f, text);
    for (uint32_t i = 0; i < args.n; i++) {
        list[i].tensor.arg = args.list[i].tensor;
        list[i].tensor.dtype = args.list[i].dtype;
    }
    tg_interp_options o = {.mode = TG_INTERP_EXACT};
    ok = ok &&
         tg_interp_run(f, list, &o, &tg_allocator_default, message, sizeof message) == TG_OK;
    for (int k = 0; ok && k < N_OUTPUTS; k++) {
        for (int64_t at = 0; at < LENGTH && ok; at++) {
            bool unspecified = false;
            point q = {p, &args, at, &unspecified};
            tg_scalar want = value_of(&q, p->outputs[k]);
            tg_scalar got = tg_scalar_load(want.dtype, args.list[N_INPUTS + k].tensor.data, at);
            ok = unspecified || same(want, got);
            if (!ok) {
                printf("Y%d[%lld] is %.17g / %lld, by hand %.17g / %lld\n", k, (long long)at,
                       got.f, (long long)got.i, want.f, (long long)want.i);
            }
        }
    }
    x86_args_free(&args);
    return ok;
}

static void print_arguments(tg_strbuf *out, const tg_func *f, uint64_t seed) {
    for (uint32_t i = 0; i < f->n_params; i++) {
        diff_tensor t = {seed * 20 + i,
                         seed % 2 ? DIFF_FILL_SPECIAL : DIFF_FILL_FLOAT,
                         0,
                         LENGTH + 4,
                         {LENGTH},
                         {1}};
        diff_print_tensor(out, f->params[i].name, 1, &t);
    }
}

/* 0: agrees. */
static int run_seed(uint64_t seed) {
    static program program_state;
    program *p = &program_state;
    *p = (program){.rng = seed * 7919 + 1};
    write_program(p);
    tg_unwind unwind;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &unwind);
    if (TG_PROTECT(&unwind)) {
        return 1;
    }
    tg_sources sources = {.arena = arena};
    tg_diags diags = {.arena = arena, .sources = &sources, .max_errors = 5};
    tg_unit *u = tg_unit_load(arena, tg_interner_create(arena), &diags, "random.dsl", p->text,
                              p->len, NULL);
    tg_instance_spec spec = {.checked = seed % 2};
    tg_func *f = u && !diags.n_errors
                     ? tg_unit_instantiate(u, tg_unit_find_kernel(u, "k"), &spec, arena, &diags)
                     : NULL;
    tg_strbuf text;
    tg_strbuf_init(&text, arena);
    bool bad = !f;
    if (!f) {
        tg_diags_render(&diags, false, &text);
        printf("seed %llu: %s\n", (unsigned long long)seed, text.data);
    } else {
        diff_outcome o;
        print_arguments(&text, f, seed);
        tg_ir_print(f, &text);
        diff_case_run(text.data, DIFF_X86, &o);
        bad = o.failed || !check_values(p, f, text.data);
        if (bad) {
            printf("seed %llu: %s %s\n%s", (unsigned long long)seed, o.stage, o.text, p->text);
        }
    }
    tg_arena_destroy(arena);
    return bad;
}

int main(int argc, char **argv) {
    uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 0,
             to = argc > 2 ? strtoull(argv[2], NULL, 10) : from + 60;
    int failed = 0;
    for (uint64_t seed = from; seed < to; seed++) {
        failed += run_seed(seed);
        fflush(stdout);
    }
    printf("%llu kernels, %d failed\n", (unsigned long long)(to - from), failed);
    return failed != 0;
}
