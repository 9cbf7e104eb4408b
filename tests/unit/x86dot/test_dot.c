/* The fast path of dot against the interpreter: every part that an axis can play, every way an operand can be read, and the
 * element types, over odd sizes, layouts, thread counts and instruction sets (tests/support/x86_run.c). */
#include "base/cpu.h"
#include "tests/support/guarded.h"
#include "targets/x86/x86_target.h"
#include "tests/support/x86_run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[8192];

static void check(const char *name, int rounds) {
    const char *bad = x86_differential(text, rounds, 0x9e3779b97f4a7c15u);
    cr_expect(!bad, "%s: %s", name, bad ? bad : "");
}

/* One matrix product. Letters of shapes are those of axes; `loads` define %a and %b, `tail` uses %d. */
typedef struct product {
    const char *name;
    const char *a, *b, *out;     /* element types */
    const char *a_shape, *b_shape, *a_index, *b_index;
    const char *a_more, *b_more; /* from %a0, %b0 to %a, %b; null: the loads are the operands */
    const char *a_type, *b_type; /* of the operands */
    const char *wide;
    const char *extra;           /* further parameters */
    const char *tail;            /* from %d to %y of type `out`; null: y = d */
} product;

static const product products[] = {
    {"f32", "f32", "f32", "f32", "M K", "K N", "%i, %l", "%l, %j", NULL, NULL, "f32", "f32", "f32", "", NULL},
    {"B transposed", "f32", "f32", "f32", "M K", "N K", "%i, %l", "%j, %l", NULL, NULL, "f32", "f32", "f32", "", NULL},
    {"A transposed", "f32", "f32", "f32", "K M", "K N", "%l, %i", "%l, %j", NULL, NULL, "f32", "f32", "f32", "", NULL},
    {"both transposed", "f32", "f32", "f32", "K M", "N K", "%l, %i", "%j, %l", NULL, NULL, "f32", "f32", "f32", "", NULL},
    {"f64", "f64", "f64", "f64", "M K", "K N", "%i, %l", "%l, %j", NULL, NULL, "f64", "f64", "f64", "", NULL},
    {"bf16", "bf16", "bf16", "f32", "M K", "K N", "%i, %l", "%l, %j", NULL, NULL, "bf16", "bf16", "f32", "", NULL},
    {"f16 by bf16", "f16", "bf16", "f32", "M K", "K N", "%i, %l", "%l, %j", NULL, NULL, "f16", "bf16", "f32", "", NULL},
    {"i8", "i8", "i8", "i32", "M K", "K N", "%i, %l", "%l, %j", NULL, NULL, "i8", "i8", "i32", "", NULL},
    {"u8 by i8, transposed", "u8", "i8", "i32", "K M", "N K", "%l, %i", "%j, %l", NULL, NULL, "u8", "i8", "i32", "", NULL},
    {"bf16 result", "bf16", "bf16", "bf16", "M K", "K N", "%i, %l", "%l, %j", NULL, NULL, "bf16", "bf16", "f32", "",
     "%y = cast %d : tile<#m, #n x bf16>"},
    {"epilogue", "f32", "f32", "f32", "M K", "K N", "%i, %l", "%l, %j", NULL, NULL, "f32", "f32", "f32",
     ", in %D: tensor<2 x f32>, in %E: tensor<1 x f32>",
     "%e = load %E, %j : tile<#n x f32>\n%y0 = add %d, %e : tile<#m, #n x f32>\n%r = load %D, %i, %j : tile<#m, #n x f32>\n"
     "%y1 = sub %y0, %r : tile<#m, #n x f32>\n%c0 = const {value=0.0} : f32\n%y = max %y1, %c0 : tile<#m, #n x f32>"},
    {"computed operands", "u8", "f32", "f32", "M K", "K N", "%i, %l", "%l, %j",
     "%a1 = cast %a0 : tile<#m, #k x f32>\n%s = load %E, %i : tile<#m x f32>\n%a = mul %a1, %s : tile<#m, #k x f32>",
     "%b = mul %b0, %b0 : tile<#n, #k x f32>", "f32", "f32", "f32", ", in %E: tensor<1 x f32>", NULL},
    {"dequantised", "f32", "i8", "f32", "M K", "K N", "%i, %l", "%l, %j", NULL,
     "%b1 = cast %b0 : tile<#n, #k x f32>\n%s = load %E, %j : tile<#n x f32>\n%b = mul %b1, %s : tile<#n, #k x f32>", "f32", "f32",
     "f32", ", in %E: tensor<1 x f32>", NULL},
    {"long reduction", "f32", "f32", "f32", "M 24*K", "24*K N", "%i, %l", "%l, %j", NULL, NULL, "f32", "f32", "f32", "", NULL},
    {"long reduction, transposed", "f32", "f32", "f32", "M 24*K", "N 24*K", "%i, %l", "%j, %l", NULL, NULL, "f32", "f32", "f32", "",
     NULL},
    {"outside", "f32", "f32", "f32", "M K", "K N", "%i, %l1", "%l1, %j", NULL, NULL, "f32", "f32", "f32", "", NULL},
};

static void write_product(const product *p, const char *blocks, bool start) {
    char a_type[64], b_type[64];
    snprintf(a_type, sizeof a_type, "tile<#m, #k x %s>", p->a_more ? p->a : p->a_type);
    snprintf(b_type, sizeof b_type, "tile<#n, #k x %s>", p->b_more ? p->b : p->b_type);
    bool at = p->a_shape[0] == 'K', bt = p->b_shape[0] == 'N';
    snprintf(text, sizeof text,
             "// shape A %s\n// shape B %s\n// shape C M N\n// shape D M N\n// shape E %s\n// shape S M N\n"
             "func @p(in %%A: tensor<2 x %s>, in %%B: tensor<2 x %s>, out %%C: tensor<2 x %s>%s%s%s%s)\n"
             "  axes { #m grid%s, #n grid%s, #k local }\n{\n"
             "%%zero = const {value=0} : i64\n%%one = const {value=1} : i64\n%%M = dim %%A {d=%d} : i64\n%%K = dim %%A {d=%d} : i64\n"
             "%%N = dim %%B {d=%d} : i64\nphase {name=\"main\"} () {\npar %%M, %%zero, %%M {axis=#m} () {\n"
             "par %%N, %%zero, %%N {axis=#n} () {\naxis %%K, %%zero, %%K {axis=#k}\n%%i = iota {axis=#m} : tile<#m x i64>\n"
             "%%j = iota {axis=#n} : tile<#n x i64>\n%%l = iota {axis=#k} : tile<#k x i64>\n%%l1 = add %%l, %%one : tile<#k x i64>\n"
             "%s = load %%A, %s : %s\n%s = load %%B, %s : %s\n%s\n%s\n%s%%d = dot %%a, %%b%s {over=(#k), precision=ieee} : tile<#m, #n x %s>\n"
             "%s\nstore %%C, %s, %%i, %%j\n}\n}\n}\n}\n",
             p->a_shape, p->b_shape, p->tail || p->b_more ? (p->a_more ? "M" : "N") : "M", p->a, p->b, p->out, p->extra,
             start ? ", in %S: tensor<2 x " : "", start ? p->wide : "", start ? ">" : "", blocks, blocks, at ? 1 : 0, at ? 0 : 1,
             bt ? 0 : 1, p->a_more ? "%a0" : "%a", p->a_index, a_type, p->b_more ? "%b0" : "%b", p->b_index, b_type,
             p->a_more ? p->a_more : "", p->b_more ? p->b_more : "", start ? "%z = load %S, %i, %j : tile<#m, #n x WIDE>\n" : "",
             start ? ", %z" : "", p->wide, p->tail ? p->tail : "", p->tail ? "%y" : "%d");
    char *wide = strstr(text, "WIDE");
    if (wide) { /* the three- or four-letter type in place of the word */
        size_t n = strlen(p->wide);
        memcpy(wide, p->wide, n);
        memmove(wide + n, wide + 4, strlen(wide + 4) + 1);
    }
}

Test(x86dot, products) {
    for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
        write_product(&products[i], "", false);
        check(products[i].name, 14);
    }
}

Test(x86dot, products_in_small_blocks) {
    for (size_t i = 0; i < sizeof products / sizeof *products; i += 3) {
        write_product(&products[i], i % 2 ? " block=48" : " block=80", i % 2 == 0);
        check(products[i].name, 6);
    }
}

Test(x86dot, products_with_accumulator) {
    write_product(&products[0], "", true);
    check("f32", 12);
    write_product(&products[7], "", true);
    check("i8", 8);
}

/* ---- masks: comparisons of indices that hold in all of a tile, or in none ------------------------------------ */

#define SELECTED(to) "%y = select %c, %d, %o : tile<#m, #n x " to ">"
#define OUTSIDE "%o = const {value=-1.0} : f32\n"
#define CAUSAL "%off = sub %N, %M : i64\n%r = add %i, %off : tile<#m x i64>\n%c = cmp %j, %r {pred=le} : tile<#m, #n x bool>\n"

static const struct {
    const char *name, *extra, *tail;
} masks[] = {
    {"causal", "", OUTSIDE CAUSAL SELECTED("f32")},
    {"scaled first", "", OUTSIDE CAUSAL "%y0 = mul %d, %o : tile<#m, #n x f32>\n%y = select %c, %y0, %o : tile<#m, #n x f32>"},
    {"not less, of a difference", "",
     OUTSIDE "%r = sub %i, %j : tile<#m, #n x i64>\n%c = cmp %r, %zero {pred=ge} : tile<#m, #n x bool>\n" SELECTED("f32")},
    {"steps of two and three", "",
     OUTSIDE "%two = const {value=2} : i64\n%three = const {value=3} : i64\n%r = mul %i, %two : tile<#m x i64>\n"
     "%q = mul %j, %three : tile<#n x i64>\n%c = cmp %r, %q {pred=gt} : tile<#m, #n x bool>\n" SELECTED("f32")},
    {"of rows", "", OUTSIDE "%w = const {value=29} : i64\n%c = cmp %i, %w {pred=lt} : tile<#m x bool>\n" SELECTED("f32")},
    {"of columns", "", OUTSIDE "%w = const {value=29} : i64\n%c = cmp %j, %w {pred=ge} : tile<#n x bool>\n" SELECTED("f32")},
    {"window", "",
     OUTSIDE "%w = const {value=40} : i64\n%r = sub %i, %w : tile<#m x i64>\n%c0 = cmp %j, %r {pred=gt} : tile<#m, #n x bool>\n"
     "%c1 = cmp %j, %i {pred=le} : tile<#m, #n x bool>\n%c = and %c0, %c1 : tile<#m, #n x bool>\n" SELECTED("f32")},
    {"one or the other", "",
     OUTSIDE "%w = const {value=40} : i64\n%r = sub %i, %w : tile<#m x i64>\n%c0 = cmp %j, %r {pred=lt} : tile<#m, #n x bool>\n"
     "%c1 = cmp %j, %i {pred=gt} : tile<#m, #n x bool>\n%c = or %c0, %c1 : tile<#m, #n x bool>\n" SELECTED("f32")},
    {"the other arm", "", OUTSIDE CAUSAL "%y = select %c, %o, %d : tile<#m, #n x f32>"},
    {"both arms", "", OUTSIDE CAUSAL "%y0 = mul %d, %o : tile<#m, #n x f32>\n%y = select %c, %d, %y0 : tile<#m, #n x f32>"},
    {"read in the condition too", "",
     OUTSIDE CAUSAL "%z = cmp %d, %o {pred=gt} : tile<#m, #n x bool>\n%y0 = select %z, %d, %o : tile<#m, #n x f32>\n"
     "%y = select %c, %y0, %o : tile<#m, #n x f32>"},
    {"wrapping round", "",
     OUTSIDE "%w = const {value=-9223372036854775800} : i64\n%r = sub %i, %w : tile<#m x i64>\n"
     "%c = cmp %j, %r {pred=le} : tile<#m, #n x bool>\n" SELECTED("f32")},
    {"by a number", ", scalar %w: i64",
     OUTSIDE "%r = add %i, %w : tile<#m x i64>\n%c = cmp %j, %r {pred=le} : tile<#m, #n x bool>\n" SELECTED("f32")},
    {"by a short number", ", scalar %w: i32",
     OUTSIDE "%v = cast %w : i64\n%r = add %i, %v : tile<#m x i64>\n%c = cmp %j, %r {pred=le} : tile<#m, #n x bool>\n" SELECTED("f32")},
};

Test(x86dot, masks) {
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        product p = products[i % 4]; /* all ways to lie */
        p.extra = masks[i].extra;
        p.tail = masks[i].tail;
        write_product(&p, i % 2 ? " block=48" : "", false);
        check(masks[i].name, 14);
    }
}

/* ---- sizes beyond the caches ------------------------------------------------------------------------------ */

typedef struct sizes {
    int64_t m, n, k;
} sizes;

static float *small_integers(int64_t n) {
    float *p = guarded_new((size_t)n * sizeof *p);
    for (int64_t i = 0; i < n; i++) {
        p[i] = (float)((i * 7 + i / 5) % 5 - 2);
    }
    return p;
}

static tg_tensor_arg matrix_arg(float *data, int64_t rows, int64_t columns) {
    tg_tensor_arg a = x86_matrix(data, rows, columns);
    return a;
}

/* How the kernel's first operand lies: as the second, as [k][m], or so as a view with the usual shape. */
typedef enum a_layout { PLAIN, TRANSPOSED, VIEW } a_layout;

static tg_tensor_arg a_arg(float *data, sizes s, a_layout layout) {
    tg_tensor_arg a = layout == TRANSPOSED ? matrix_arg(data, s.k, s.m) : matrix_arg(data, s.m, s.k);
    if (layout == VIEW) {
        a.stride[0] = 1;
        a.stride[1] = s.m;
    }
    return a;
}

/* Small integers: every order of summation gives the same bits. Code that reads or writes behind an operand faults. */
static void check_product_of(const x86_kernel *k, sizes s, a_layout layout) {
    int64_t a_row = layout == PLAIN ? s.k : 1, a_point = layout == PLAIN ? 1 : s.m;
    float *a = small_integers(s.m * s.k), *b = small_integers(s.k * s.n + 3) + 3,
          *c = guarded_new((size_t)(s.m * s.n) * sizeof *c);
    float *want = calloc((size_t)(s.m * s.n) + 1, sizeof *want);
    for (int64_t i = 0; i < s.m; i++) {
        for (int64_t l = 0; l < s.k; l++) {
            for (int64_t j = 0; j < s.n; j++) {
                want[i * s.n + j] += a[i * a_row + l * a_point] * b[l * s.n + j];
            }
        }
    }
    tg_tensor_arg at = a_arg(a, s, layout), bt = matrix_arg(b, s.k, s.n),
                  ct = matrix_arg(c, s.m, s.n);
    const void *args[] = {&at, &bt, &ct};
    cr_expect_eq(x86_launch(k, args), 0);
    cr_expect(memcmp(c, want, (size_t)(s.m * s.n) * sizeof *c) == 0, "%d by %d by %d",
              (int)s.m, (int)s.n, (int)s.k);
    guarded_free(a, (size_t)(s.m * s.k) * sizeof *a), guarded_free(b - 3, (size_t)(s.k * s.n + 3) * sizeof *b);
    guarded_free(c, (size_t)(s.m * s.n) * sizeof *c), free(want);
}

static void check_product(const x86_kernel *k, sizes s) {
    check_product_of(k, s, PLAIN);
}

/* Few rows that stream, past columns from caches and from memory; rows in blocks, packed and not; reductions in parts, packed and streaming; groups of panels. */
Test(x86dot, sizes_beyond_the_caches, .timeout = 120) {
    static const sizes list[] = {
        {1, 4111, 300},  {2, 1000, 65},    {3, 515, 1000},  {5, 2048, 129},   {7, 1031, 333},
        {8, 4096, 70},   {13, 777, 801},   {47, 1030, 260}, {200, 100, 1400}, {96, 70, 9001},
        {61, 140, 1203}, {50, 129, 2000}, {61, 270, 1203}, {50, 257, 2000}, {301, 1100, 517},
        {10, 33, 20000}, {600, 530, 1200}, {1100, 150, 301}, {48, 64, 145}, {53, 512, 256}, {1, 17, 30000},  {1, 8209, 8},     {1, 50000, 17},
        {1, 9001, 33},  {1, 5000, 40},    {1, 70000, 9},  {6, 3000, 73},    {17, 2100, 88},
        {24, 300, 257}, {31, 1025, 300},  {46, 5003, 250}, {5, 4099, 270},   {3, 1000, 260}, {4, 1000, 260},  {49, 4211, 1003}, {1, 4211, 1003}};
    for (int threads = 1; threads <= 4; threads += 3) {
        write_product(&products[0], "", false);
        x86_options o = {.n_threads = threads};
        x86_kernel *k = x86_open(text, &o);
        cr_assert(!k->error, "%s", k->error);
        for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
            check_product(k, list[i]);
        }
        x86_close(k);
    }
}

/* A left side that lies across the reduction is packed where many panels read it or its lines have no room: ragged rows, blocks and parts of them;
 * small ones, and those that few columns read, are left where they are. */
Test(x86dot, rows_across, .timeout = 120) {
    static const struct {
        sizes s;
        bool packed;
    } list[] = {{{301, 1100, 517}, true}, {{1100, 620, 301}, true}, {{530, 600, 1203}, true}, {{1027, 590, 300}, true}, {{5, 300, 1203}, false},
                {{1100, 17, 301}, false}, {{37, 300, 20}, false}, {{11, 5000, 100}, false}};
    static const a_layout layouts[] = {TRANSPOSED, VIEW};
    for (size_t form = 0; form < 2; form++) {
        write_product(&products[layouts[form] == TRANSPOSED ? 2 : 0], "", false);
        for (int threads = 1; threads <= 4; threads += 3) {
            x86_options o = {.n_threads = threads};
            x86_kernel *k = x86_open(text, &o);
            cr_assert(!k->error, "%s", k->error);
            for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
                check_product_of(k, list[i].s, layouts[form]);
                bool packed = x86_tiles_packed > 0;
                cr_expect(packed == list[i].packed || threads > 1, "%d by %d by %d: packed %d", (int)list[i].s.m, (int)list[i].s.n, (int)list[i].s.k, packed);
            }
            x86_close(k);
        }
    }
}

/* Rows of one block and part are packed once for all groups of columns: a few more than the eighth of the second level that they are read from in
 * place. */
Test(x86dot, packed_rows_stay) {
    tg_machine m;
    cr_assert(tg_target_x86.machine(NULL, &m));
    write_product(&products[2], "", false);
    x86_options o = {.n_threads = 1};
    x86_kernel *k = x86_open(text, &o);
    cr_assert(!k->error, "%s", k->error);
    int64_t points = 301, rows = m.l2_bytes / 8 / (points * (int64_t)sizeof(float)) + 2;
    check_product_of(k, (sizes){rows, 3001, points}, TRANSPOSED);
    cr_expect_eq(x86_tiles_packed, 1, "packed %d times", x86_tiles_packed);
    x86_close(k);
}

/* The reduction is done in rounds of a few steps, and what is left over of them one by one. */
Test(x86dot, steps_left_over) {
    write_product(&products[0], "", false);
    x86_options o = {.n_threads = 1};
    x86_kernel *k = x86_open(text, &o);
    cr_assert(!k->error, "%s", k->error);
    for (int64_t steps = 0; steps <= 21; steps++) {
        check_product(k, (sizes){13, 33, steps});
    }
    x86_close(k);
}

typedef struct narrow_type {
    const char *name;
    unsigned size;
    uint32_t code[5]; /* of -2 … 2 */
} narrow_type;

static const narrow_type narrow_types[] = {
    {"bf16", 2, {0xc000, 0xbf80, 0, 0x3f80, 0x4000}}, {"f16", 2, {0xc000, 0xbc00, 0, 0x3c00, 0x4000}},
    {"i16", 2, {0xfffe, 0xffff, 0, 1, 2}},            {"i8", 1, {0xfe, 0xff, 0, 1, 2}},
    {"f32", 4, {0xc0000000, 0xbf800000, 0, 0x3f800000, 0x40000000}}};

static void *narrow_integers(int64_t n, const narrow_type *t) {
    uint8_t *p = guarded_new((size_t)n * t->size);
    for (int64_t i = 0; i < n; i++) {
        memcpy(p + i * t->size, &t->code[(i * 7 + i / 5) % 5], t->size);
    }
    return p;
}

/* The operands end where memory does; sums are f32 or i32. `along`: columns lie along the reduction. */
static void check_narrow(const x86_kernel *k, const narrow_type *ta, const narrow_type *tb, sizes s, bool along) {
    bool floats = tb->name[0] != 'i';
    uint8_t *a = narrow_integers(s.m * s.k, ta), *b = narrow_integers(s.k * s.n, tb), *c = guarded_new((size_t)(s.m * s.n) * 4);
    tg_tensor_arg at = x86_matrix(a, s.m, s.k), ct = x86_matrix(c, s.m, s.n);
    tg_tensor_arg bt = along ? x86_matrix(b, s.n, s.k) : x86_matrix(b, s.k, s.n);
    const void *args[] = {&at, &bt, &ct};
    cr_expect_eq(x86_launch(k, args), 0);
    int wrong = 0;
    for (int64_t i = 0; i < s.m * s.n; i++) {
        int64_t want = 0, x = i / s.n * s.k, y = i % s.n;
        for (int64_t l = 0; l < s.k; l++) {
            int64_t u = x + l, v = along ? y * s.k + l : l * s.n + y;
            want += ((u * 7 + u / 5) % 5 - 2) * ((v * 7 + v / 5) % 5 - 2);
        }
        float f;
        int32_t n;
        memcpy(&f, c + i * 4, 4), memcpy(&n, c + i * 4, 4);
        wrong += floats ? f != (float)want : n != want;
    }
    cr_expect_eq(wrong, 0, "%s by %s: %d by %d by %d: %d wrong", ta->name, tb->name, (int)s.m, (int)s.n, (int)s.k, wrong);
    guarded_free(a, (size_t)(s.m * s.k) * ta->size), guarded_free(b, (size_t)(s.k * s.n) * tb->size);
    guarded_free(c, (size_t)(s.m * s.n) * 4);
}

/* Of operands of types a and b. */
static void check_types(int a, int b, const char *arch, const sizes *list, size_t n, bool along) {
    const narrow_type *ta = &narrow_types[a], *tb = &narrow_types[b];
    product p = products[along];
    p.a = p.a_type = ta->name, p.b = p.b_type = tb->name, p.out = p.wide = tb->name[0] == 'i' ? "i32" : "f32";
    write_product(&p, "", false);
    x86_options o = {.arch = arch};
    x86_kernel *k = x86_open(text, &o);
    cr_assert(!k->error, "%s", k->error);
    for (size_t j = 0; j < n; j++) {
        check_narrow(k, ta, tb, list[j], along);
    }
    x86_close(k);
}

/* One row, which streams past operands as they are stored; two do not. */
Test(x86dot, narrow_rows_that_stream, .timeout = 120) {
    static const int pairs[][2] = {{0, 0}, {1, 1}, {1, 0}, {3, 3}, {2, 2}};
    static const sizes list[] = {{1, 4111, 300}, {1, 17, 30000}, {1, 8209, 50}, {1, 50000, 9}, {1, 7, 60001}, {1, 8192, 64}, {2, 1003, 300}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        check_types(pairs[i][0], pairs[i][1], NULL, list, sizeof list / sizeof *list, false);
    }
}

/* Few rows against columns that lie along the reduction: all heights of tiles, whole and not; columns that no tile's are a multiple of; a reduction of
 * whole vectors, of a few points more, and of so many that no vector is left for the parts behind. */
Test(x86dot, few_rows_along, .timeout = 120) {
    static const int pairs[][2] = {{0, 0}, {1, 1}, {1, 0}, {3, 3}, {2, 2}, {4, 4}};
    static const sizes list[] = {{1, 515, 1003}, {1, 4111, 256}, {1, 7, 60001}, {2, 515, 1024}, {3, 515, 961}, {4, 257, 2000}, {5, 515, 1003},
                                 {8, 513, 1025}, {9, 515, 1003}, {1, 1, 300000}, {8, 3000, 70}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        check_types(pairs[i][0], pairs[i][1], NULL, list, sizeof list / sizeof *list, true);
        if (tg_cpu_runs("avx2")) {
            check_types(pairs[i][0], pairs[i][1], "avx2", list, sizeof list / sizeof *list, true);
        }
    }
}

/* Every small size: edges in rows, columns and reductions. */
Test(x86dot, every_small_size, .timeout = 120) {
    write_product(&products[0], "", false);
    x86_options o = {0};
    x86_kernel *k = x86_open(text, &o);
    cr_assert(!k->error, "%s", k->error);
    for (int64_t m = 0; m <= 14; m++) {
        for (int64_t n = 0; n <= 66; n++) {
            for (int64_t l = 0; l <= 5; l++) {
                check_product(k, (sizes){m, n, l});
            }
        }
    }
    x86_close(k);
}

/* ---- convolutions --------------------------------------------------------------------------------------- */

static void write_convolution(const char *type, int stride, int pad, int dil, const char *otherwise) {
    bool same = strcmp(type, "f32") == 0;
    snprintf(text, sizeof text,
             "// shape X 2 %d*P+3 %d*Q+1 C\n// shape F 3 2 C K\n// shape Y 2 P Q K\n"
             "func @c(in %%X: tensor<4 x %s>, in %%F: tensor<4 x %s>, out %%Y: tensor<4 x f32>)\n"
             "axes { #p grid, #q grid, #k grid, #r local, #s local, #c local }\n{\n%%zero = const {value=0} : i64\n"
             "%%stride = const {value=%d} : i64\n%%pad = const {value=%d} : i64\n%%dil = const {value=%d} : i64\n"
             "%%N = dim %%X {d=0} : i64\n%%C = dim %%X {d=3} : i64\n%%R = dim %%F {d=0} : i64\n%%S = dim %%F {d=1} : i64\n"
             "%%K = dim %%F {d=3} : i64\n%%P = dim %%Y {d=1} : i64\n%%Q = dim %%Y {d=2} : i64\nphase {name=\"main\"} () {\n"
             "par %%N, %%zero, %%N (%%n: i64) {\npar %%P, %%zero, %%P {axis=#p} () {\npar %%Q, %%zero, %%Q {axis=#q} () {\n"
             "par %%K, %%zero, %%K {axis=#k} () {\naxis %%R, %%zero, %%R {axis=#r}\naxis %%S, %%zero, %%S {axis=#s}\n"
             "axis %%C, %%zero, %%C {axis=#c}\n%%ip = iota {axis=#p} : tile<#p x i64>\n%%iq = iota {axis=#q} : tile<#q x i64>\n"
             "%%ik = iota {axis=#k} : tile<#k x i64>\n%%ir = iota {axis=#r} : tile<#r x i64>\n%%is = iota {axis=#s} : tile<#s x i64>\n"
             "%%ic = iota {axis=#c} : tile<#c x i64>\n%%y0 = mul %%ip, %%stride : tile<#p x i64>\n%%y1 = mul %%ir, %%dil : tile<#r x i64>\n"
             "%%y2 = add %%y0, %%y1 : tile<#p, #r x i64>\n%%y3 = sub %%y2, %%pad : tile<#p, #r x i64>\n"
             "%%x0 = mul %%iq, %%stride : tile<#q x i64>\n%%x1 = mul %%is, %%dil : tile<#s x i64>\n"
             "%%x2 = add %%x0, %%x1 : tile<#q, #s x i64>\n%%x3 = sub %%x2, %%pad : tile<#q, #s x i64>\n%s"
             "%%a = load %%X, %%n, %%y3, %%x3, %%ic%s : tile<#p, #q, #r, #s, #c x %s>\n"
             "%%b = load %%F, %%ir, %%is, %%ic, %%ik : tile<#k, #r, #s, #c x %s>\n"
             "%%d = dot %%a, %%b {over=(#r, #s, #c), precision=ieee} : tile<#p, #q, #k x f32>\n"
             "store %%Y, %%d, %%n, %%ip, %%iq, %%ik\n}\n}\n}\n}\n}\n}\n",
             stride, stride, type, type, stride, pad, dil, same && *otherwise ? "%e = const {value=-1.5} : f32\n" : "",
             same ? otherwise : "", type, type);
}

Test(x86dot, convolutions) {
    write_convolution("f32", 1, 1, 1, "");
    check("stride 1", 8);
    write_convolution("f32", 2, 0, 1, "");
    check("stride 2", 6);
    write_convolution("f32", 1, 2, 2, ", %e");
    check("dilation 2, filled", 6);
    write_convolution("bf16", 2, 1, 1, "");
    check("bf16", 6);
}

/* Rows of an image come in blocks of up to eight: of 56 seven, of which one of two threads would have four. */
Test(x86dot, rows_of_images_are_shared_out_evenly) {
    enum { C = 16, K = 16, MOST = 56 };
    static float x[MOST * MOST * C], f[3 * 2 * C * K], y[MOST * MOST * K];
    static const int64_t rows[][2] = {{14, 2}, {28, 4}, {56, 8}}; /* and tasks */
    tg_machine m;
    cr_assert(tg_target_x86.machine(NULL, &m));
    if (!m.has_fma) {
        cr_skip("without products in registers blocks are chosen otherwise");
    }
    write_convolution("f32", 1, 1, 1, "");
    x86_kernel *k = x86_open(text, &(x86_options){.n_threads = 2});
    cr_assert(!k->error, "%s", k->error);
    for (int i = 0; i < 3; i++) {
        int64_t p = rows[i][0];
        tg_tensor_arg ax = {.data = x, .shape = {1, p, p, C}, .stride = {p * p * C, p * C, C, 1}};
        tg_tensor_arg af = {.data = f, .shape = {3, 2, C, K}, .stride = {2 * C * K, C * K, K, 1}};
        tg_tensor_arg ay = {.data = y, .shape = {1, p, p, K}, .stride = {p * p * K, p * K, K, 1}};
        cr_assert_eq(x86_launch(k, (const void *[]){&ax, &af, &ay}), 0);
        cr_expect_eq(x86_tasks, rows[i][1], "%d rows: %d tasks", (int)p, (int)x86_tasks);
    }
    x86_close(k);
}

/* ---- other shapes --------------------------------------------------------------------------------------------- */

static const char batched[] =
    "// shape A B M K\n// shape B B K N\n// shape C B M N\n"
    "func @b(in %A: tensor<3 x f32>, in %B: tensor<3 x f32>, out %C: tensor<3 x f32>)\n"
    "axes { #b grid, #m grid, #n local, #k local }\n{\n%zero = const {value=0} : i64\n%Z = dim %A {d=0} : i64\n%M = dim %A {d=1} : i64\n"
    "%K = dim %A {d=2} : i64\n%N = dim %B {d=2} : i64\nphase {name=\"main\"} () {\npar %Z, %zero, %Z {axis=#b} () {\n"
    "par %M, %zero, %M {axis=#m} () {\naxis %N, %zero, %N {axis=#n}\naxis %K, %zero, %K {axis=#k}\n"
    "%h = iota {axis=#b} : tile<#b x i64>\n%i = iota {axis=#m} : tile<#m x i64>\n%j = iota {axis=#n} : tile<#n x i64>\n"
    "%l = iota {axis=#k} : tile<#k x i64>\n%a = load %A, %h, %i, %l : tile<#b, #m, #k x f32>\n"
    "%b = load %B, %h, %l, %j : tile<#b, #n, #k x f32>\n%d = dot %a, %b {over=(#k), precision=ieee} : tile<#b, #m, #n x f32>\n"
    "%x = reduce %d {fn=max, over=(#n)} : tile<#b, #m x f32>\n%y = sub %d, %x : tile<#b, #m, #n x f32>\n"
    "store %C, %y, %h, %i, %j\n}\n}\n}\n}\n";

static const char vector_matrix[] =
    "// shape A K\n// shape B K N\n// shape C N\nfunc @v(in %A: tensor<1 x f32>, in %B: tensor<2 x f32>, out %C: tensor<1 x f32>)\n"
    "axes { #n grid, #k local }\n{\n%zero = const {value=0} : i64\n%K = dim %B {d=0} : i64\n%N = dim %B {d=1} : i64\n"
    "phase {name=\"main\"} () {\npar %N, %zero, %N {axis=#n} () {\naxis %K, %zero, %K {axis=#k}\n%j = iota {axis=#n} : tile<#n x i64>\n"
    "%l = iota {axis=#k} : tile<#k x i64>\n%a = load %A, %l : tile<#k x f32>\n%b = load %B, %l, %j : tile<#n, #k x f32>\n"
    "%d = dot %a, %b {over=(#k), precision=ieee} : tile<#n x f32>\nstore %C, %d, %j\n}\n}\n}\n";

static const char matrix_vector[] =
    "// shape A K\n// shape B N K\n// shape C N\nfunc @w(in %A: tensor<1 x f32>, in %B: tensor<2 x f32>, out %C: tensor<1 x f32>)\n"
    "axes { #n grid, #k local }\n{\n%zero = const {value=0} : i64\n%K = dim %B {d=1} : i64\n%N = dim %B {d=0} : i64\n"
    "phase {name=\"main\"} () {\npar %N, %zero, %N {axis=#n} () {\naxis %K, %zero, %K {axis=#k}\n%j = iota {axis=#n} : tile<#n x i64>\n"
    "%l = iota {axis=#k} : tile<#k x i64>\n%a = load %A, %l : tile<#k x f32>\n%b = load %B, %j, %l : tile<#n, #k x f32>\n"
    "%d = dot %a, %b {over=(#k), precision=ieee} : tile<#n x f32>\nstore %C, %d, %j\n}\n}\n}\n";

static const char attention[] =
    "// shape Q 2 M D\n// shape K 2 L D\n// shape V 2 L E\n// shape O 2 M E\n"
    "func @a(in %Q: tensor<3 x TYPE>, in %K: tensor<3 x TYPE>, in %V: tensor<3 x TYPE>, out %O: tensor<3 x f32>)\n"
    "axes { #i grid block=40, #d local, #e local, #j loop block=24 }\n{\n%zero = const {value=0} : i64\n%H = dim %Q {d=0} : i64\n"
    "%S = dim %Q {d=1} : i64\n%D = dim %Q {d=2} : i64\n%L = dim %K {d=1} : i64\n%E = dim %V {d=2} : i64\n%scale = const {value=0.25} : f32\n"
    "phase {name=\"main\"} () {\npar %H, %zero, %H (%h: i64) {\npar %S, %zero, %S {axis=#i} () {\naxis %D, %zero, %D {axis=#d}\n"
    "axis %E, %zero, %E {axis=#e}\n%ii = iota {axis=#i} : tile<#i x i64>\n%id = iota {axis=#d} : tile<#d x i64>\n"
    "%ie = iota {axis=#e} : tile<#e x i64>\n%fz = const {value=0.0} : f32\n%ninf = const {value=-inf} : f32\n"
    "%o0 = broadcast %fz : tile<#i, #e x f32>\n%m0 = broadcast %ninf : tile<#i x f32>\n%l0 = broadcast %fz : tile<#i x f32>\n"
    "%o, %m, %l = for %L, %zero, %L, %o0, %m0, %l0 {axis=#j} (%oc: tile<#i, #e x f32>, %mc: tile<#i x f32>, %lc: tile<#i x f32>) {\n"
    "%ij = iota {axis=#j} : tile<#j x i64>\n%q = load %Q, %h, %ii, %id : tile<#i, #d x TYPE>\n%k = load %K, %h, %ij, %id : tile<#d, #j x TYPE>\n"
    "%s0 = dot %q, %k {over=(#d), precision=ieee} : tile<#i, #j x f32>\n%s = mul %s0, %scale : tile<#i, #j x f32>\n"
    "%mx = reduce %s {fn=max, over=(#j)} : tile<#i x f32>\n%top = max %mc, %mx : tile<#i x f32>\n"
    "%p = exp2_sub %s, %top : tile<#i, #j x f32>\n%c = exp2_sub %mc, %top : tile<#i x f32>\n%ps = reduce %p {fn=add, over=(#j)} : tile<#i x f32>\n"
    "%lm = mul %lc, %c : tile<#i x f32>\n%ln = add %lm, %ps : tile<#i x f32>\n%pt = cast %p : tile<#i, #j x TYPE>\n"
    "%v = load %V, %h, %ij, %ie : tile<#e, #j x TYPE>\n%om = mul %oc, %c : tile<#i, #e x f32>\n"
    "%pv = dot %pt, %v, %om {over=(#j), precision=ieee} : tile<#i, #e x f32>\nyield %pv, %top, %ln\n"
    "} : tile<#i, #e x f32>, tile<#i x f32>, tile<#i x f32>\n%y = div %o, %l : tile<#i, #e x f32>\nstore %O, %y, %h, %ii, %ie\n}\n}\n}\n}\n";

static void write_typed(const char *from, const char *type) {
    char *out = text;
    for (const char *at = from; *at;) {
        if (strncmp(at, "TYPE", 4) == 0) {
            out += snprintf(out, 8, "%s", type);
            at += 4;
        } else {
            *out++ = *at++;
        }
    }
    *out = 0;
}

/* ---- the hot loop ----------------------------------------------------------------------------------------------- */

/* Stack accesses in the tile's loop: of the best run of instructions between labels and jumps with that many multiply-adds (the
 * variant for unusual strides may reload addresses). -1: there is none. */
static int stack_accesses_of_tile(const char *assembly, int multiplies) {
    int here = 0, stack = 0, found = -1;
    for (const char *line = assembly; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        size_t n = strcspn(line, "\n");
        char copy[256];
        snprintf(copy, sizeof copy, "%.*s", (int)(n < 255 ? n : 255), line);
        here += strstr(copy, "vfmadd") != NULL;
        stack += strstr(copy, "(%rsp)") != NULL || strstr(copy, "(%rbp)") != NULL;
        if (strchr(copy, ':') || copy[strspn(copy, " \t")] == 'j') {
            found = here > 0 && here % multiplies == 0 && (found < 0 || stack < found) ? stack : found;
            here = stack = 0;
        }
    }
    return found;
}

Test(x86dot, tiles_stay_in_registers) {
    static const struct {
        const char *arch;
        int multiplies;
    } levels[] = {{"avx512", 24}, {"avx2", 12}, {"avx2", 48}}; /* a step; a round of four */
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        write_product(&products[0], "", false);
        x86_options o = {.arch = levels[i].arch, .emit = TG_EMIT_ASM};
        x86_kernel *k = x86_open(text, &o);
        cr_assert(!k->error, "%s", k->error);
        cr_expect_eq(stack_accesses_of_tile(k->object.asm_text, levels[i].multiplies), 0, "%s", levels[i].arch);
        x86_close(k);
    }
}

/* So do rounds of several steps inside other loops. */
Test(x86dot, rounds_in_nests_stay_in_registers) {
    write_convolution("f32", 1, 1, 1, "");
    x86_options o = {.arch = "avx2", .emit = TG_EMIT_ASM};
    x86_kernel *k = x86_open(text, &o);
    cr_assert(!k->error, "%s", k->error);
    cr_expect_eq(stack_accesses_of_tile(k->object.asm_text, 48), 0);
    x86_close(k);
}

static unsigned count(const char *where, const char *what) {
    unsigned n = 0;
    for (const char *p = where; (p = strstr(p, what)) != NULL; p++) {
        n++;
    }
    return n;
}

typedef struct small_tiles {
    const char *arch, *request; /* of columns: where to */
    int multiplies;
} small_tiles;

static bool has_small_tiles(const small_tiles *s, const char *schedule) {
    enum { REQUESTS = 8 };
    write_product(&products[0], "", false);
    char *body = strstr(text, "\n{\n") + 1, rest[sizeof text];
    strcpy(rest, body);
    snprintf(body, sizeof text - (size_t)(body - text), "%s%s", schedule, rest);
    x86_options o = {.arch = s->arch, .emit = TG_EMIT_ASM};
    x86_kernel *k = x86_open(text, &o);
    cr_assert(!k->error, "%s", k->error);
    bool small = stack_accesses_of_tile(k->object.asm_text, s->multiplies) == 0;
    cr_expect_geq(count(k->object.asm_text, s->request), REQUESTS);
    x86_close(k);
    return small;
}

/* A few rows stream in tiles of two or four by two vectors and eight points, which are one piece of code, unless a schedule says what tiles and parts to
 * take. */
Test(x86dot, few_rows_have_tiles_of_their_own) {
    static const small_tiles levels[] = {{"avx2", "prefetcht0", 4 * 2 * 8}, {"avx512", "prefetcht1", 2 * 2 * 8}};
    for (size_t i = 0; i < 2; i++) {
        cr_expect(has_small_tiles(&levels[i], ""), "%s", levels[i].arch);
        cr_expect_not(has_small_tiles(&levels[i], "  schedule { reg(#m; m) = 3 }\n"), "%s", levels[i].arch);
    }
}

/* Vectors that loops of `multiplies` multiply-adds store, at most. */
static int stores_of_tile(const char *assembly, int multiplies) {
    int here = 0, stores = 0, most = 0;
    for (const char *line = assembly; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        char copy[256];
        size_t n = strcspn(line, "\n");
        snprintf(copy, sizeof copy, "%.*s", (int)(n < 255 ? n : 255), line);
        const char *last = strrchr(copy, ',');
        here += strstr(copy, "vfmadd") != NULL;
        stores += strstr(copy, "vmovups\t%zmm") && last && strchr(last, ')');
        if (strchr(copy, ':') || copy[strspn(copy, " \t")] == 'j') {
            most = here == multiplies && stores > most ? stores : most;
            here = stores = 0;
        }
    }
    return most;
}

/* A panel is packed by the first tile that reads it, and by no loop of its own; masks of columns are not made anew at every point. */
Test(x86dot, first_tiles_pack) {
    tg_machine m;
    if (!tg_x86_machine("native", &m) || !m.foresees) {
        cr_skip_test("this processor wants requests: its panels are packed by a loop");
    }
    write_product(&products[0], "", false);
    x86_options o = {.emit = TG_EMIT_ASM};
    x86_kernel *k = x86_open(text, &o);
    cr_assert(!k->error, "%s", k->error);
    cr_expect_eq(stores_of_tile(k->object.asm_text, 24), 4);
    x86_close(k);
}

/* What a machine knows of itself (tg_machine.foresees) chooses at run time whether a loop requests lines; it does not double the loop. */
Test(x86dot, requests_need_no_second_loop) {
    tg_machine machine;
    unsigned multiplies[2];
    cr_assert(tg_target_x86.machine(NULL, &machine));
    for (int named = 0; named < 2; named++) {
        write_product(&products[6], "", false); /* panels that no first tile packs: they are converted */
        x86_options o = {.arch = named ? machine.arch : NULL, .emit = TG_EMIT_LLVM};
        x86_kernel *k = x86_open(text, &o);
        cr_assert(!k->error, "%s", k->error);
        multiplies[named] = count(k->object.llvm_text, "@llvm.fma.");
        x86_close(k);
    }
    cr_expect_eq(multiplies[0], multiplies[1], "%u and %u", multiplies[0], multiplies[1]);
}

/* Multiply-adds of a piece of code without labels that read memory, at most. */
static int reads_by_multiplies(const char *assembly) {
    int here = 0, most = 0;
    for (const char *line = assembly; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        size_t n = strcspn(line, "\n");
        here += strncmp(line, "\tvfmadd", 7) == 0 && memchr(line, '(', n);
        here = *line == '.' ? 0 : here;
        most = here > most ? here : most;
    }
    return most;
}

/* One row streams past eight lines, of which a vector under a mask would be a load of its own. */
Test(x86dot, one_row_streams_without_masks) {
    write_product(&products[0], "", false);
    x86_kernel *k = x86_open(text, &(x86_options){.arch = "avx2", .emit = TG_EMIT_ASM});
    cr_assert(!k->error, "%s", k->error);
    int reads = reads_by_multiplies(k->object.asm_text);
    cr_expect(reads >= 8, "%d", reads);
    x86_close(k);
}

/* Tiles of 12 multiply-adds a step, four steps a round, among which lines are requested: between two of the fences that keep steps apart. */
static int loops_that_request(const char *llvm) {
    int requesting = 0;
    for (const char *step = strstr(llvm, "fence "); step; step = strstr(step + 1, "fence ")) {
        const char *next = strstr(step + 1, "fence "), *request = strstr(step, "@llvm.prefetch");
        requesting += next && request && request < next;
    }
    return requesting;
}

/* Panels that were packed before come from memory: where few tiles read them, their lines are requested, by a machine that otherwise
 * requests nothing of panels. */
Test(x86dot, few_tiles_request_packed_panels) {
    static const bool packed[8] = {false, true};
    write_product(&products[0], "", false);
    x86_kernel *k = x86_open(text, &(x86_options){.arch = "avx2", .typical = true, .packed = packed, .emit = TG_EMIT_LLVM});
    cr_assert(!k->error, "%s", k->error);
    cr_expect(loops_that_request(k->object.llvm_text) > 0);
    x86_close(k);
}

Test(x86dot, other_shapes) {
    write_typed(batched, "");
    check("batched, result used twice", 8);
    write_typed(vector_matrix, "");
    check("vector by matrix", 14);
    write_typed(matrix_vector, "");
    check("matrix by vector", 14);
    write_typed(attention, "f32");
    check("attention", 8);
    write_typed(attention, "bf16");
    check("attention in bf16", 6);
}
