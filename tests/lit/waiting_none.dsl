// Loops that make their own progress do not wait for others: a walk along memory, a counter, an update by compare and swap.
// RUN: %tegula compile %s --kernel walk --emit tile 2>&1 | FileCheck %s
// CHECK-NOT: W0807
kernel walk(inout i32 next[N], out i32 Y[N])
{
    grid (each i in N) {
        int at = i;
        int steps = 0;
        while (next[at] >= 0 && steps < 10) {
            at = int(next[at]);
            steps += 1;
        }
        Y[i] = i32(at);
    }
}
kernel queue(inout i32 head[1], inout f32 Y[N])
{
    grid (each w in 4) {
        bool more = true;
        while (more) {
            let at = atomic_add(head[0], 1);
            more = at < i32(N);
        }
    }
}
kernel update(inout i32 top[1], in i32 X[N])
{
    grid (each i in N) {
        i32 seen = 0;
        bool done = false;
        while (!done) {
            let got = atomic_cas(top[0], seen, max(seen, X[i]));
            done = got == seen;
            seen = got;
        }
    }
}
