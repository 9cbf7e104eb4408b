/* Random stores against enumeration: what the checker accepts must be injective (E0402), free of collisions between
 * instances (E0403, E0408). And it must accept a fair part of what is: a checker that refuses everything is sound, too. */
#include "base/io.h"
#include "tests/unit/elab/load.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { N_VARS = 4, MAX_NODES = 160, MAX_POINTS = 4096, N_GRID = 2 };

/* a: each scalar of the grid, b: block axis of the grid, c and d: full axes */
static const char *const names[N_VARS] = {"a", "b", "c", "d"};

typedef struct node {
    char op; /* v variable, n number, + * / % */
    int64_t value;
    int left, right;
} node;

typedef struct program {
    uint64_t seed;
    int64_t extent[N_VARS];
    node nodes[MAX_NODES];
    int n_nodes;
} program;

static uint64_t next(program *p, uint64_t below) {
    p->seed ^= p->seed << 13;
    p->seed ^= p->seed >> 7;
    p->seed ^= p->seed << 17;
    return p->seed * 0x2545f4914f6cdd1dull % below;
}

static int add(program *p, char op, int64_t value, int left, int right) {
    cr_assert_lt(p->n_nodes, MAX_NODES);
    p->nodes[p->n_nodes] = (node){op, value, left, right};
    return p->n_nodes++;
}

static int number(program *p, int64_t v) {
    return add(p, 'n', v, 0, 0);
}

static int linear(program *p, int depth);

static int term(program *p, int depth) {
    int v = add(p, 'v', (int64_t)next(p, N_VARS), 0, 0);
    static const int64_t factors[] = {1, 1, 1, 2, 3, 4, 6, 8, 12, -1};
    switch (next(p, 6)) {
    case 0:
        v = depth ? linear(p, depth - 1) : v;
        return add(p, '/', 0, v, number(p, (int64_t)next(p, 4) + 1));
    case 1:
        v = depth ? linear(p, depth - 1) : v;
        return add(p, '%', 0, v, number(p, (int64_t)next(p, 4) + 1));
    default:
        return add(p, '*', 0, v, number(p, factors[next(p, 10)]));
    }
}

static int linear(program *p, int depth) {
    int e = term(p, depth);
    for (uint64_t n = next(p, 3); n > 0; n--) {
        e = add(p, '+', 0, e, term(p, 0));
    }
    return next(p, 3) == 0 ? add(p, '+', 0, e, number(p, (int64_t)next(p, 3))) : e;
}

static int64_t value_of(const program *p, int e, const int64_t *point) {
    const node *n = &p->nodes[e];
    if (n->op == 'v' || n->op == 'n') {
        return n->op == 'v' ? point[n->value] : n->value;
    }
    int64_t x = value_of(p, n->left, point), y = value_of(p, n->right, point), q = 0;
    if (n->op == '/' || n->op == '%') {
        q = x / y - (x % y != 0 && (x < 0) != (y < 0));
    }
    return n->op == '+' ? x + y : n->op == '*' ? x * y : n->op == '/' ? q : x - q * y;
}

static bool mentions(const program *p, int e, int var) {
    const node *n = &p->nodes[e];
    return n->op == 'v'
               ? n->value == var
               : n->op != 'n' && (mentions(p, n->left, var) || mentions(p, n->right, var));
}

static void print(const program *p, int e, tg_strbuf *out) {
    const node *n = &p->nodes[e];
    if (n->op == 'v') {
        tg_strbuf_puts(out, names[n->value]);
    } else if (n->op == 'n') {
        tg_strbuf_printf(out, n->value < 0 ? "(%lld)" : "%lld", (long long)n->value);
    } else {
        tg_strbuf_putc(out, '(');
        print(p, n->left, out);
        tg_strbuf_printf(out, " %c ", n->op);
        print(p, n->right, out);
        tg_strbuf_putc(out, ')');
    }
}

typedef struct map { /* an access: two coordinates, a guard a == g (or none) */
    int index[2];
    int64_t guard;
} map;

static map random_map(program *p) {
    map m;
    for (int d = 0; d < 2; d++) {
        m.index[d] = next(p, 4) == 0 ? number(p, (int64_t)next(p, 2)) : linear(p, 1);
    }
    m.guard = next(p, 8) == 0 ? (int64_t)next(p, 2) : -1;
    return m;
}

typedef struct hit {
    int64_t at[2], instance[N_GRID];
} hit;

/* Every element the access touches, with its instance; tile axes that are not in the index count once. */
static int enumerate(const program *p, const map *m, hit *out) {
    int n = 0;
    int64_t v[N_VARS], extent[N_VARS];
    for (int k = 0; k < N_VARS; k++) {
        bool used = k < N_GRID || mentions(p, m->index[0], k) || mentions(p, m->index[1], k);
        extent[k] = used ? p->extent[k] : 1;
    }
    for (v[0] = 0; v[0] < extent[0]; v[0]++) {
        for (v[1] = 0; v[1] < extent[1]; v[1]++) {
            for (v[2] = 0; v[2] < extent[2]; v[2]++) {
                for (v[3] = 0; v[3] < extent[3]; v[3]++) {
                    if (m->guard >= 0 && v[0] != m->guard) {
                        continue;
                    }
                    cr_assert_lt(n, MAX_POINTS);
                    out[n++] = (hit){{value_of(p, m->index[0], v), value_of(p, m->index[1], v)},
                                     {v[0], v[1]}};
                }
            }
        }
    }
    return n;
}

static int compare(const void *x, const void *y) {
    return memcmp(((const hit *)x)->at, ((const hit *)y)->at, sizeof((const hit *)x)->at);
}

static bool injective(hit *hits, int n) {
    qsort(hits, (size_t)n, sizeof *hits, compare);
    for (int i = 1; i < n; i++) {
        if (compare(&hits[i - 1], &hits[i]) == 0) {
            return false;
        }
    }
    return true;
}

/* Does an element belong to different instances in the two lists? */
static bool collide(hit *x, int nx, const hit *y, int ny) {
    qsort(x, (size_t)nx, sizeof *x, compare);
    for (int i = 0; i < ny; i++) {
        const hit *found = nx ? bsearch(&y[i], x, (size_t)nx, sizeof *x, compare) : NULL;
        while (found && found > x && compare(found - 1, &y[i]) == 0) {
            found--;
        }
        for (; found && found < x + nx && compare(found, &y[i]) == 0; found++) {
            if (memcmp(found->instance, y[i].instance, sizeof found->instance) != 0) {
                return true;
            }
        }
    }
    return false;
}

static void start_program(program *p, uint64_t seed) {
    memset(p, 0, sizeof *p);
    p->seed = seed * 0x9e3779b97f4a7c15ull + 1;
    static const int64_t extents[] = {1, 2, 3, 4, 6, 8};
    for (int k = 0; k < N_VARS; k++) {
        p->extent[k] = extents[next(p, 6)];
    }
}

static void print_access(const program *p, const map *m, tg_strbuf *s) {
    tg_strbuf_puts(s, "Y[");
    print(p, m->index[0], s);
    tg_strbuf_puts(s, ", ");
    print(p, m->index[1], s);
    tg_strbuf_puts(s, "]");
}

static void print_store(const program *p, const map *m, const char *value, tg_strbuf *s) {
    print_access(p, m, s);
    tg_strbuf_printf(s, " = %s", value);
    if (m->guard >= 0) {
        tg_strbuf_printf(s, " where a == %lld", (long long)m->guard);
    }
    tg_strbuf_puts(s, ";\n");
}

/* Codes reported for a kernel with the given body. */
static void load_body(loaded *l, const program *p, const char *direction, const char *body,
                      char *text, size_t size) {
    tg_format(
        text, size,
        "kernel k(%s f32 Y[P, Q], out f32 Z[R] = 0) {\n    grid (each a in %lld, b in %lld) {\n"
        "        axis c in %lld, d in %lld;\n%s    }\n}\n",
        direction, (long long)p->extent[0], (long long)p->extent[1], (long long)p->extent[2],
        (long long)p->extent[3], body);
    load_text(l, "random.dsl", text);
}

static bool has_code(const loaded *l, tg_diag_code code) {
    for (uint32_t i = 0; i < l->diags.list.len; i++) {
        if (l->diags.list.data[i]->code == code) {
            return true;
        }
    }
    return false;
}

static hit first[MAX_POINTS], second[MAX_POINTS];

Test(injective, accepted_stores_are_injective) {
    unsigned accepted = 0, true_ones = 0, n = 1500;
    tg_unwind unwind;
    for (uint64_t seed = 1; seed <= n; seed++) {
        program p;
        loaded l;
        char text[2048];
        start_program(&p, seed);
        map m = random_map(&p);
        tg_arena *arena = tg_arena_create(&tg_allocator_default, &unwind);
        tg_strbuf body;
        tg_strbuf_init(&body, arena);
        print_store(&p, &m, "1", &body);
        load_body(&l, &p, "inout", body.data, text, sizeof text);
        bool ok = !has_code(&l, TG_E0402), truth = injective(first, enumerate(&p, &m, first));
        cr_expect(!ok || truth, "seed %llu: accepted, but an element is written twice\n%s",
                  (unsigned long long)seed, text);
        accepted += ok && truth;
        true_ones += truth;
        unload(&l);
        tg_arena_destroy(arena);
    }
    cr_log_info("stores: %u accepted of %u injective of %u", accepted, true_ones, n);
    cr_expect_gt(accepted * 100, true_ones * 75, "%u of %u injective stores of %u are accepted",
                 accepted, true_ones, n);
}

static void check_pair(uint64_t seed, bool load, unsigned *accepted, unsigned *true_ones) {
    program p;
    loaded l;
    char text[4096];
    tg_unwind unwind;
    start_program(&p, seed);
    map x = random_map(&p), y = next(&p, 2) ? x : random_map(&p);
    y.guard = next(&p, 2) ? x.guard : -1;
    if (next(&p, 2)) {
        y.index[next(&p, 2)] = add(&p, '+', 0, x.index[0], number(&p, (int64_t)next(&p, 3)));
    }
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &unwind);
    tg_strbuf body;
    tg_strbuf_init(&body, arena);
    print_store(&p, &x, "1", &body);
    y.guard = load ? -1 : y.guard;
    if (load) {
        tg_strbuf_puts(&body, "let t = ");
        print_access(&p, &y, &body);
        tg_strbuf_puts(&body, ";\natomic Z[0] += 1;\n");
    } else {
        print_store(&p, &y, "2", &body);
    }
    load_body(&l, &p, "inout", body.data, text, sizeof text);
    tg_diag_code code = load ? TG_E0408 : TG_E0403;
    int nx = enumerate(&p, &x, first), ny = enumerate(&p, &y, second);
    bool truth = !collide(first, nx, second, ny), judged = !has_code(&l, TG_E0402),
         ok = judged && !has_code(&l, code);
    cr_expect(!ok || truth, "seed %llu: accepted, but instances meet\n%s",
              (unsigned long long)seed, text);
    *accepted += ok && truth;
    *true_ones += judged && truth;
    unload(&l);
    tg_arena_destroy(arena);
}

Test(injective, accepted_pairs_do_not_meet) {
    for (int load = 0; load < 2; load++) {
        unsigned accepted = 0, true_ones = 0;
        for (uint64_t seed = 1; seed <= 1500; seed++) {
            check_pair(seed, load, &accepted, &true_ones);
        }
        cr_log_info("%s: %u accepted of %u", load ? "loads" : "pairs", accepted, true_ones);
        cr_expect_gt(accepted * 100, true_ones * 70, "%s: %u of %u accepted",
                     load ? "loads" : "stores", accepted, true_ones);
    }
}
