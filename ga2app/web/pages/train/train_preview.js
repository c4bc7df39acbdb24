// What stands in the preview for the form: faults at their settings, lists that have changed, the note on the anchors.
const tell = () => { if (props.value?.faults) window.ga2Train?.told(props.value); };
watch('value', tell);
tell();
