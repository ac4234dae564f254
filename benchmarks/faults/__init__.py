"""The suite of faulty programs, and of healthy ones: what does the doctor say of them?"""
