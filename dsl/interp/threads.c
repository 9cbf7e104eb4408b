/* Instances of a phase on several threads: each thread has its own interpreter state and memory; launch-level values are copied.
 * Instances are divided into equal ranges. */
#include "dsl/interp/control.h"

#include <pthread.h>

typedef struct job {
    interp *c;
    const tg_op *phase;
    const instance_list *all;
    int64_t begin, end;
    tg_status status;
    pthread_t thread;
    bool started;
} job;

static bool block_is_pure(const tg_block *b) {
    for (const tg_op *op = b->first; op; op = op->next) {
        tg_opcode k = op->opcode;
        bool shared = k == TG_OP_ATOMIC || k == TG_OP_CAS || k == TG_OP_PRINT ||
                      k == TG_OP_ASSERT || k == TG_OP_TENSOR;
        if (shared) {
            return false;
        }
        for (uint32_t r = 0; r < op->n_regions; r++) {
            if (!block_is_pure(&op->regions[r].body)) {
                return false;
            }
        }
    }
    return true;
}

bool can_run_threads(const tg_op *phase) {
    return block_is_pure(&phase->regions[0].body);
}

static void *run_job(void *arg) {
    job *j = arg;
    interp *c = j->c;
    if (TG_PROTECT(&c->unwind)) {
        j->status = c->unwind.status;
        return NULL;
    }
    instances_run(c, j->phase, j->all, j->begin, j->end);
    return NULL;
}

/* State of one thread: launch-level values are copied, so that reference counts are not shared. */
static interp *fork_state(interp *c, size_t limit) {
    interp *t = pool_alloc(&c->pool, 1, sizeof *t);
    *t = *c;
    t->stats = (tg_interp_stats){0};
    t->message_size = 0;
    t->slot = pool_zero(&c->pool, c->f->next_value_id + 1, sizeof *t->slot);
    t->axis = pool_alloc(&c->pool, c->f->axes.len + 1, sizeof *t->axis);
    memcpy(t->axis, c->axis, c->f->axes.len * sizeof *t->axis);
    for (uint32_t id = 0; id < c->f->next_value_id; id++) {
        /* Allocated from the launching thread's pool; one more reference keeps a thread from freeing it. */
        t->slot[id] = c->slot[id] ? tile_ref(tile_copy(c, c->slot[id])) : NULL;
    }
    pool_init(&t->pool, c->pool.allocator, &t->unwind, limit);
    return t;
}

static void join_state(interp *c, interp *t) {
    c->stats.ops += t->stats.ops;
    c->stats.instances += t->stats.instances;
    c->stats.uncertain += t->stats.uncertain;
    c->stats.peak_bytes = c->stats.peak_bytes > (int64_t)t->pool.peak ? c->stats.peak_bytes
                                                                      : (int64_t)t->pool.peak;
    pool_dispose(&t->pool);
    for (uint32_t id = 0; id < c->f->next_value_id; id++) {
        tile *copy = t->slot[id];
        if (copy && c->slot[id]) {
            copy->refs = 1;
            tile_unref(c, copy);
        }
    }
    pool_free(&c->pool, t->slot);
    pool_free(&c->pool, t->axis);
    pool_free(&c->pool, t);
}

void run_threads(interp *c, const tg_op *phase) {
    enum { MAX_THREADS = 64 };
    job jobs[MAX_THREADS];
    instance_list all;
    instances_collect(c, phase, &all);
    int n = c->o->n_threads < MAX_THREADS ? c->o->n_threads : MAX_THREADS;
    n = all.n < n ? (int)all.n : n;
    size_t left = c->pool.limit > c->pool.bytes ? c->pool.limit - c->pool.bytes : 0;
    for (int k = 0; k < n; k++) {
        jobs[k] = (job){
            .phase = phase, .all = &all, .begin = all.n * k / n, .end = all.n * (k + 1) / n};
        jobs[k].c = fork_state(c, left / (size_t)n);
    }
    for (int k = 0; k < n; k++) {
        jobs[k].started = pthread_create(&jobs[k].thread, NULL, run_job, &jobs[k]) == 0;
        if (!jobs[k].started) {
            run_job(&jobs[k]);
        }
    }
    tg_status status = TG_OK;
    for (int k = 0; k < n; k++) {
        if (jobs[k].started) {
            pthread_join(jobs[k].thread, NULL);
        }
        status = jobs[k].status != TG_OK ? jobs[k].status : status;
        join_state(c, jobs[k].c);
    }
    pool_free(&c->pool, all.data);
    if (status != TG_OK) {
        tg_unwind_to(&c->unwind, status);
    }
}
