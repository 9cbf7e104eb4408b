/* dot over all arrangements of axes, and the operations on memory: raw tensors, atomics, guards, checks. */
#include "tests/unit/interp/interp_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N_AXES = 4 };
static const int64_t extent[N_AXES] = {3, 5, 2, 7};

/* A tensor over the axes in `set`, in rank order, and its load. */
typedef struct operand_tensor {
    unsigned set;
    int64_t shape[N_AXES];
    uint32_t rank;
    int64_t n;
    double data[256];
} operand_tensor;

static void make_operand(operand_tensor *t, unsigned set, tg_dtype dtype, uint64_t *state) {
    *t = (operand_tensor){.set = set, .n = 1};
    for (unsigned a = 0; a < N_AXES; a++) {
        if (set >> a & 1) {
            t->shape[t->rank++] = extent[a];
            t->n *= extent[a];
        }
    }
    for (int64_t k = 0; k < t->n; k++) {
        double v = random_unit(state);
        bool is_int = tg_dtype_is_int(dtype);
        t->data[k] = is_int ? floor(v * (tg_dtype_kind_of(dtype) == TG_KIND_UINT ? 0 : 90)) + 37
                            : tg_round_to(dtype, v);
    }
}

static double at(const operand_tensor *t, const int64_t *index) {
    int64_t k = 0;
    for (unsigned a = 0; a < N_AXES; a++) {
        k = t->set >> a & 1 ? k * extent[a] + index[a] : k;
    }
    return t->data[k];
}

typedef struct dot_case {
    unsigned x, y, acc, over;
    tg_dtype tx, ty, result;
    bool with_acc;
} dot_case;

static tg_value *load_operand(tg_builder *b, tg_value *tensor, unsigned set,
                              tg_value *const *iota) {
    tg_value *index[N_AXES];
    uint32_t n = 0;
    for (unsigned a = 0; a < N_AXES; a++) {
        if (set >> a & 1) {
            index[n++] = iota[a];
        }
    }
    return tg_build_load(b, tensor, index, n, NULL);
}

static tg_func *dot_func(tg_arena *arena, const dot_case *d, const operand_tensor *t) {
    tg_interner *names = tg_interner_create(arena);
    tg_func *f = tg_func_create(arena, names, tg_intern_cstr(names, "f"));
    const tg_dtype types[4] = {d->tx, d->ty, d->result, d->result};
    tg_value *p[4], *iota[N_AXES];
    tg_axis *axes[N_AXES], *over[N_AXES];
    for (int k = 0; k < 4; k++) {
        p[k] = tg_func_add_param(f, (tg_fparam){.name = tg_intern_cstr(names, "p"),
                                                .kind = k == 3 ? TG_FP_OUT : TG_FP_IN,
                                                .dtype = types[k],
                                                .rank = t[k].rank});
    }
    tg_builder b = {.func = f, .block = &f->body.body};
    tg_op *phase = tg_build_op(&b, TG_OP_PHASE, NULL, 0, NULL, 0, NULL, 0);
    b.block = &phase->regions[0].body;
    uint32_t n_over = 0;
    for (unsigned a = 0; a < N_AXES; a++) {
        axes[a] = tg_func_add_axis(f, TG_AXIS_LOCAL, tg_intern_cstr(names, "a"), (tg_span){0});
        tg_value *n = tg_build_int(&b, TG_I64, extent[a]);
        tg_value *domain[3] = {n, tg_build_int(&b, TG_I64, 0), n};
        tg_attr attr = tg_attr_axis(arena, TG_ATTR_AXIS, axes[a]);
        tg_build_op(&b, TG_OP_AXIS, domain, 3, NULL, 0, &attr, 1);
        iota[a] = tg_build_iota(&b, axes[a]);
        if (d->over >> a & 1) {
            over[n_over++] = axes[a];
        }
    }
    tg_value *x = load_operand(&b, p[0], d->x, iota), *y = load_operand(&b, p[1], d->y, iota);
    tg_value *acc = d->with_acc ? load_operand(&b, p[2], d->acc, iota) : NULL;
    tg_value *r = tg_build_dot(&b, x, y, acc, over, n_over), *index[N_AXES];
    uint32_t n = 0;
    for (unsigned a = 0; a < N_AXES; a++) {
        if (t[3].set >> a & 1) {
            index[n++] = iota[a];
        }
    }
    tg_build_store(&b, p[3], r, index, n, NULL);
    return f;
}

static void pack(const operand_tensor *t, tg_dtype dtype, void *out) {
    for (int64_t k = 0; k < t->n; k++) {
        tg_scalar s = {.dtype = dtype, .i = (int64_t)t->data[k], .f = t->data[k]};
        tg_scalar_store(s, out, k);
    }
}

static double brute_force(const dot_case *d, const operand_tensor *t, int64_t point,
                          double *magnitude) {
    int64_t index[N_AXES] = {0}, rest = point;
    for (int a = N_AXES - 1; a >= 0; a--) {
        if (t[3].set >> a & 1) {
            index[a] = rest % extent[a];
            rest /= extent[a];
        }
    }
    double sum = d->with_acc ? at(&t[2], index) : 0;
    *magnitude = fabs(sum);
    int64_t total = 1;
    for (int a = 0; a < N_AXES; a++) {
        total *= d->over >> a & 1 ? extent[a] : 1;
    }
    for (int64_t k = 0; k < total; k++) {
        int64_t left = k;
        for (int a = N_AXES - 1; a >= 0; a--) {
            if (d->over >> a & 1) {
                index[a] = left % extent[a];
                left /= extent[a];
            }
        }
        double p = at(&t[0], index) * at(&t[1], index);
        sum += p;
        *magnitude += fabs(p);
    }
    return sum;
}

static void check_dot(const dot_case *d, uint64_t *state) {
    static operand_tensor t[4];
    static unsigned char bytes[4][256 * 8];
    static double value[256], bound[256];
    unsigned out = (d->x | d->y | (d->with_acc ? d->acc : 0)) & ~d->over;
    make_operand(&t[0], d->x, d->tx, state);
    make_operand(&t[1], d->y, d->ty, state);
    make_operand(&t[2], d->acc, d->result, state);
    make_operand(&t[3], out, d->result, state);
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    if (TG_PROTECT(&u)) {
        cr_assert_fail("out of memory");
    }
    tg_func *f = dot_func(arena, d, t);
    const char *broken = tg_ir_verify(f, arena);
    cr_assert(!broken, "%s", broken ? broken : "");
    const tg_dtype types[4] = {d->tx, d->ty, d->result, d->result};
    tg_interp_arg args[4];
    for (int k = 0; k < 4; k++) {
        pack(&t[k], types[k], bytes[k]);
        args[k] = tensor_arg(types[k], bytes[k], t[k].rank, t[k].shape);
    }
    bool is_int = tg_dtype_is_int(d->result);
    args[3].tensor.value = is_int ? NULL : value;
    args[3].tensor.bound = is_int ? NULL : bound;
    for (int mode = 0; mode < 2; mode++) {
        tg_interp_options o = {.mode = (tg_interp_mode)mode};
        char message[100];
        cr_assert_eq(tg_interp_run(f, args, &o, NULL, message, sizeof message), TG_OK, "%s",
                     message);
        for (int64_t k = 0; k < t[3].n; k++) {
            double magnitude, expected = brute_force(d, t, k, &magnitude);
            tg_scalar got = tg_scalar_load(d->result, bytes[3], k);
            if (is_int) {
                cr_assert_eq(got.i, (int64_t)expected);
                continue;
            }
            double room = magnitude * 0x1p-24 * 150;
            cr_assert(fabs((mode ? value[k] : got.f) - expected) <=
                      (mode ? 1e-13 * magnitude : room));
            cr_assert(!mode || bound[k] <= room + 1e-30);
        }
    }
    tg_arena_destroy(arena);
}

Test(interp_memory, dot_over_any_axes) {
    uint64_t state = 5;
    for (int k = 0; k < 300; k++) {
        unsigned x = (unsigned)((random_unit(&state) + 1) * 7.99),
                 y = (unsigned)((random_unit(&state) + 1) * 7.99);
        unsigned over = x & y & (unsigned)((random_unit(&state) + 1) * 7.99),
                 acc = (unsigned)((random_unit(&state) + 1) * 7.99);
        acc &= ~over;
        static const tg_dtype types[][3] = {
            {TG_F32, TG_F32, TG_F32}, {TG_F64, TG_F64, TG_F64}, {TG_F16, TG_BF16, TG_F32},
            {TG_I8, TG_U8, TG_I32},   {TG_I64, TG_I64, TG_I64}, {TG_F8E4M3, TG_F8E5M2, TG_F32}};
        const tg_dtype *t = types[k % 6];
        if (!over) {
            continue;
        }
        dot_case d = {x, y, acc, over, t[0], t[1], t[2], k % 3 == 0};
        check_dot(&d, &state);
    }
}

static void run_text(const char *text, tg_interp_arg *args, const tg_interp_options *o,
                     tg_status expected, const char *message) {
    fixture f;
    fixture_open(&f, text);
    tg_status s = fixture_run(&f, args, o);
    cr_assert_eq(s, expected, "%s", f.message);
    cr_assert(!message || strstr(f.message, message), "%s", f.message);
    fixture_close(&f);
}

#define LINE(params, axes)                                                                     \
    "func @f(in %X: tensor<1 x i64>, " params ")\n  axes { #i local" axes " }\n{\n"            \
    "  %z = const {value=0} : i64\n  %one = const {value=1} : i64\n  %N = dim %X {d=0} : "     \
    "i64\n"                                                                                    \
    "  phase () {\n    axis %N, %z, %N {axis=#i}\n    %i = iota {axis=#i} : tile<#i x i64>\n"  \
    "    %x = load %X, %i : tile<#i x i64>\n"
#define END "  }\n}\n"

Test(interp_memory, atomics_and_cas) {
    int64_t in[6] = {0, 2, 2, 1, 9, 2};
    int64_t y[3] = {10, 20, 30}, old[6], expected[6] = {10, 30, 31, 20, 0, 33};
    tg_interp_arg args[3] = {vector_arg(TG_I64, in, 6), vector_arg(TG_I64, y, 3),
                             vector_arg(TG_I64, old, 6)};
    tg_interp_options o = {.check = true};
    run_text(LINE("inout %Y: tensor<1 x i64>, out %O: tensor<1 x i64>",
                  "") "    %o = atomic %Y, %i, %x {fn=add} : tile<#i x i64>\n    store %O, %o, "
                      "%i\n" END,
             args, &o, TG_OK, NULL);
    const int64_t sums[3] = {10, 23, 38};
    cr_assert_arr_eq(y, sums, sizeof sums);
    cr_assert_arr_eq(old, expected, sizeof expected);
    y[0] = y[1] = y[2] = 1;
    run_text(
        LINE("inout %Y: tensor<1 x i64>, out %O: tensor<1 x i64>",
             "") "    %o = cas %Y, %one, %i, %x : tile<#i x i64>\n    store %O, %o, %i\n" END,
        args, &o, TG_OK, NULL);
    /* element 2: 1 becomes 1 (point 1), again 1 becomes 2 (point 2), then stays 2 (point 5) */
    const int64_t swapped[3] = {0, 3, 2}, seen[6] = {1, 1, 1, 1, 0, 2};
    cr_assert_arr_eq(y, swapped, sizeof swapped);
    cr_assert_arr_eq(old, seen, sizeof seen);
    /* float sums in IDEAL: the bound covers any order */
    int64_t same[500] = {0};
    float total = 0;
    double value = 0, bound = 0;
    tg_interp_arg sum[2] = {vector_arg(TG_I64, same, 500), vector_arg(TG_F32, &total, 1)};
    sum[1].tensor.value = &value;
    sum[1].tensor.bound = &bound;
    tg_interp_options ideal = {.mode = TG_INTERP_IDEAL};
    run_text(LINE("inout %Y: tensor<1 x f32>",
                  "") "    %f = cast %i : tile<#i x f32>\n    %s = sqrt %f : tile<#i x f32>\n  "
                      "  %o = atomic %Y, %s, %x {fn=add} : tile<#i x f32>\n" END,
             sum, &ideal, TG_OK, NULL);
    float up = 0, down = 0;
    for (int k = 0; k < 500; k++) {
        up += sqrtf((float)k);
        down += sqrtf((float)(499 - k));
    }
    cr_assert(fabs(up - value) <= bound && fabs(down - value) <= bound && bound < 0.5 &&
              up != down);
}

Test(interp_memory, guards_gathers_and_poison) {
    int64_t in[6] = {5, 4, 3, 2, 1, 0};
    int64_t out[6] = {-1, -1, -1, -1, -1, -1};
    tg_interp_arg args[2] = {vector_arg(TG_I64, in, 6), vector_arg(TG_I64, out, 6)};
    tg_interp_options check = {.check = true}, plain = {.mode = TG_INTERP_EXACT};
    run_text(LINE("out %Y: tensor<1 x i64>",
                  "") "    %c = const {value=2} : i64\n    %g = cmp %x, %c {pred=gt} : tile<#i "
                      "x bool>\n    store %Y, %i, %x, %g\n" END,
             args, &check, TG_OK, NULL);
    const int64_t expected[6] = {-1, -1, -1, 2, 1, 0};
    cr_assert_arr_eq(out, expected, sizeof out);
    const char *gather =
        LINE("out %Y: tensor<1 x i64>",
             "") "    %w = add %x, %one : tile<#i x i64>\n    store %Y, %i, %w\n" END;
    run_text(gather, args, &check, TG_ERROR_LAUNCH, "store outside");
    run_text(gather, args, &plain, TG_OK, NULL);
    const char *poison =
        "func @f(out %Y: tensor<1 x f32>)\n  axes { #i local }\n{\n  %z = const {value=0} : "
        "i64\n  %N = dim %Y {d=0} : i64\n"
        "  %t = temp %N : tensor<1 x f32>\n  phase () {\n    axis %N, %z, %N {axis=#i}\n    %i "
        "= iota {axis=#i} : tile<#i x i64>\n"
        "    %x = load %t, %i : tile<#i x f32>\n    store %Y, %x, %i\n  }\n}\n";
    float y[3];
    tg_interp_arg one = vector_arg(TG_F32, y, 3);
    run_text(poison, &one, &check, TG_ERROR_LAUNCH, "before it is written");
    run_text(poison, &one, &plain, TG_OK, NULL);
    cr_assert(isnan(y[0]));
}

/* A raw tensor with its own strides, a loop over blocks with the axis's attributes, an alias axis, an extern function. */
Test(interp_memory, raw_tensors_and_axis_facts) {
    float data[20];
    int64_t facts[8];
    for (int k = 0; k < 20; k++) {
        data[k] = (float)k;
    }
    int64_t in[3] = {0, 1, 2};
    float sums[3];
    tg_interp_arg args[4] = {vector_arg(TG_I64, in, 3), vector_arg(TG_F32, sums, 3),
                             vector_arg(TG_I64, facts, 8),
                             int_arg(TG_U64, (int64_t)(uintptr_t)(data + 1))};
    const char *text = LINE(
        "out %Y: tensor<1 x f32>, out %F: tensor<1 x i64>, ptr %p: u64",
        ", #j loop block=3, #u local like=#j") "    %five = const {value=5} : i64\n    %two = "
                                               "const {value=2} : i64\n    %four = const "
                                               "{value=4} : i64\n    %three = const {value=3} "
                                               ": i64\n"
                                               "    %P = tensor %p, %three, %five, %three, "
                                               "%two : tensor<2 x f32>\n"
                                               "    %s0 = stride %P {d=1} : i64\n    store %F, "
                                               "%s0, %z\n"
                                               "    %o = const {value=0.0} : f32\n    %init = "
                                               "broadcast %o : tile<#i x f32>\n"
                                               "    %r = for %five, %one, %five, %init "
                                               "{axis=#j} (%a: tile<#i x f32>) {\n"
                                               "      axis %five, %z, %five {axis=#u}\n      "
                                               "%u = iota {axis=#u} : tile<#u x i64>\n"
                                               "      %v = load %P, %i, %u : tile<#i, #u x "
                                               "f32>\n"
                                               "      %b = asm %v {target=\"x86\", code=\"\"} "
                                               "(%e: f32) {\n        %d = add %e, %e : f32\n   "
                                               "     yield %d\n      } : tile<#i, #u x f32>\n"
                                               "      %s = reduce %b {over=(#u), fn=add} : "
                                               "tile<#i x f32>\n      %n = add %a, %s : "
                                               "tile<#i x f32>\n"
                                               "      %k = axis_block {axis=#j} : i64\n      "
                                               "%c = axis_count {axis=#j} : i64\n      %w = "
                                               "axis_size {axis=#j} : i64\n"
                                               "      %q = axis_first {axis=#j} : i64\n      "
                                               "%k3 = mul %k, %three : i64\n      %at = add "
                                               "%k3, %one : i64\n"
                                               "      %cw = mul %c, %five : i64\n      %cq = "
                                               "add %cw, %w : i64\n      store %F, %cq, %at\n"
                                               "      %at2 = add %at, %one : i64\n      store "
                                               "%F, %q, %at2\n      yield %n\n    } : tile<#i "
                                               "x f32>\n"
                                               "    %ok = cmp %five, %two {pred=gt} : bool\n   "
                                               " assume %ok {fact=\"5 > 2\"}\n    store %Y, "
                                               "%r, %i\n" END;
    for (int mode = 0; mode < 2; mode++) {
        tg_interp_options o = {.mode = (tg_interp_mode)mode, .check = true};
        memset(facts, 0, sizeof facts);
        run_text(text, args, &o, TG_OK, NULL);
        for (int i = 0; i < 3; i++) {
            float sum = 0;
            for (int j = 1; j < 5; j++) {
                sum += 2 * data[1 + 3 * i + 2 * j];
            }
            cr_assert(sums[i] == sum, "%g, expected %g", sums[i], sum);
        }
        cr_assert(facts[0] == 2 && facts[1] == 2 * 5 + 3 && facts[2] == 1 &&
                  facts[4] == 2 * 5 + 1 && facts[5] == 4);
    }
}
