// Wrong command lines give exit code 2, names that the kernel does not have among them, wrong input 1.
// RUN: sh -c '%tegula compile %s --emit soup; test $? = 2' 2>&1 | FileCheck %s --check-prefix=STAGE
// RUN: sh -c '%tegula compile %s --kernel absent; test $? = 2' 2>&1 | FileCheck %s --check-prefix=KERNEL
// RUN: sh -c '%tegula compile %s.missing; test $? = 1' 2>&1 | FileCheck %s --check-prefix=FILE
// RUN: sh -c '%tegula compile %s --set Q=1 --emit tile; test $? = 2' 2>&1 | FileCheck %s --check-prefix=SET
// STAGE: emit takes
// KERNEL: no kernel 'absent'
// FILE: not found
// SET: Q
kernel copy(in f32 A[N], out f32 B[N])
{
    grid (i in N) B[i] = A[i];
}
