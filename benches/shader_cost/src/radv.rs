//! Compiles kernels as wgpu does, on the first Vulkan device.

#![allow(unsafe_code, clippy::print_stderr, reason = "Vulkan has a C interface; radv prints to stderr")]

use ash::vk;
use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};

use hard_sigmoid::plan::Resource;

use crate::Kernel;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Creates a pipeline of each kernel, and prints a line with its number to stderr before.
pub(crate) fn compile(kernels: &[Kernel]) -> Result<()> {
    // SAFETY: nothing else in this process uses Vulkan, and it ends with this function.
    unsafe {
        let entry = ash::Entry::load()?;
        let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
        let instance =
            entry.create_instance(&vk::InstanceCreateInfo::default().application_info(&application), None)?;
        let adapter = *instance.enumerate_physical_devices()?.first().ok_or("radv lists no device")?;
        let mut driver = vk::PhysicalDeviceDriverProperties::default();
        instance.get_physical_device_properties2(
            adapter,
            &mut vk::PhysicalDeviceProperties2::default().push_next(&mut driver),
        );
        eprintln!("{}{}", crate::figures::DRIVER, driver.driver_info_as_c_str()?.to_string_lossy());

        // wgpu asks for these where they are.
        let mut robust = vk::PhysicalDeviceRobustness2FeaturesEXT::default().robust_buffer_access2(true);
        let mut zero = vk::PhysicalDeviceZeroInitializeWorkgroupMemoryFeatures::default()
            .shader_zero_initialize_workgroup_memory(true);
        let features = vk::PhysicalDeviceFeatures::default().robust_buffer_access(true);
        let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
        let extensions = [ash::ext::robustness2::NAME.as_ptr()];
        let info = vk::DeviceCreateInfo::default()
            .queue_create_infos(&queues)
            .enabled_extension_names(&extensions)
            .enabled_features(&features)
            .push_next(&mut robust)
            .push_next(&mut zero);
        let device = instance.create_device(adapter, &info, None)?;
        for (i, kernel) in kernels.iter().enumerate() {
            eprintln!("{}{i}", crate::figures::KERNEL);
            pipeline(&device, kernel)?;
        }
    }
    Ok(())
}

unsafe fn pipeline(device: &ash::Device, kernel: &Kernel) -> Result<()> {
    let spirv = spirv(kernel)?;
    let bindings: Vec<_> = kernel
        .bindings
        .iter()
        .map(|(binding, resource)| {
            let ty = match resource {
                Resource::Parameters | Resource::Block => vk::DescriptorType::UNIFORM_BUFFER,
                Resource::Storage { .. } => vk::DescriptorType::STORAGE_BUFFER,
            };
            vk::DescriptorSetLayoutBinding::default()
                .binding(*binding)
                .descriptor_type(ty)
                .descriptor_count(1)
                .stage_flags(vk::ShaderStageFlags::COMPUTE)
        })
        .collect();
    // SAFETY: all structures outlive the calls.
    unsafe {
        let layouts = [device
            .create_descriptor_set_layout(&vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings), None)?];
        let layout =
            device.create_pipeline_layout(&vk::PipelineLayoutCreateInfo::default().set_layouts(&layouts), None)?;
        let module = device.create_shader_module(&vk::ShaderModuleCreateInfo::default().code(&spirv), None)?;
        let name = std::ffi::CString::new(kernel.program.entry_point())?;
        let stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(module)
            .name(&name);
        let info = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(layout)];
        device.create_compute_pipelines(vk::PipelineCache::null(), &info, None).map_err(|(_, error)| error)?;
    }
    Ok(())
}

/// The SPIR-V that wgpu makes of a kernel for a Vulkan 1.3 device with `robustBufferAccess2`.
fn spirv(kernel: &Kernel) -> Result<Vec<u32>> {
    let module = naga::front::wgsl::parse_str(&kernel.program.wgsl().next().ok_or("no shader")?)?;
    let capabilities = naga::valid::Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    let info = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities).validate(&module)?;
    let constants = kernel.program.constants().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let (stage, name) = (naga::ShaderStage::Compute, kernel.program.entry_point());
    let (module, info) =
        naga::back::pipeline_constants::process_overrides(&module, &info, Some((stage, name)), &constants)?;
    let options = spv::Options {
        lang_version: (1, 6),
        flags: spv::WriterFlags::empty(),
        bounds_check_policies: BoundsCheckPolicies {
            index: BoundsCheckPolicy::Restrict,
            buffer: BoundsCheckPolicy::Unchecked,
            ..BoundsCheckPolicies::default()
        },
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        force_loop_bounding: true,
        ..spv::Options::default()
    };
    let pipeline = spv::PipelineOptions { shader_stage: stage, entry_point: name.to_owned() };
    Ok(spv::write_vec(&module, &info, &options, Some(&pipeline))?)
}
