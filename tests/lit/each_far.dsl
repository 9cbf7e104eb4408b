// An index plus the step may lie beyond 2^63: the loop ends all the same, in compiled code and in the interpreter.
// RUN: timeout 60 %tegula run %s --kernel ends --set N=3 end=9223372036854775807 --checked --check --repeat 1 | FileCheck %s
// RUN: timeout 60 %tegula run %s --kernel ends --set N=3 end=9223372036854775807 --checked --check --repeat 1 --baseline | FileCheck %s
// RUN: timeout 60 %tegula run %s --kernel long_step --set N=3 end=100 --checked --check --repeat 1 | FileCheck %s
// RUN: timeout 60 %tegula run %s --kernel lifted --set N=37 end=9223372036854775807 --checked --check --repeat 1 | FileCheck %s
// RUN: timeout 60 %tegula run %s --kernel lifted --set N=37 end=9223372036854775807 --checked --check --repeat 1 --baseline | FileCheck %s
// CHECK: check ok
kernel ends(out i64 Y[N], i64 end)
{
    grid (each i in N) {
        i64 n = 0;
        for (each r in end from end - 17 step 8) n += 1;
        assert(n == 3);
        Y[i] = n;
    }
}

// Bounds are small, the step is not.
kernel long_step(out i64 Y[N], i64 end)
{
    grid (each i in N) {
        i64 n = 0;
        for (each r in end from 50 step 9223372036854775807) n += r;
        assert(n == 50);
        Y[i] = n;
    }
}

// Each point has bounds of its own.
fn times(i64 end, i64 first) -> i64
{
    i64 n = 0;
    for (each r in end from first step 8) n += 1;
    return n;
}

kernel lifted(out i64 Y[N], i64 end)
{
    grid (i in N) {
        let n = times(end, end - 17 - i % 3);
        assert(n == 3);
        Y[i] = n;
    }
}
